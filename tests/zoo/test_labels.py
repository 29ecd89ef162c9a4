"""The classes of the models, and class lists of the user's."""

from __future__ import annotations

from pathlib import Path

import pytest

from dgnam import zoo
from dgnam.errors import DgnamError


@pytest.mark.parametrize(
    ("label_set", "count"),
    [
        *(("imagenet1000", 1000), ("imagenet200", 200), ("places205", 205), ("ucf101", 101)),
        *(("miniplaces100", 100), ("sports22", 22)),
    ],
)
def test_labels_are_whole_and_in_order(label_set: str, count: int) -> None:
    labels = zoo.read_labels(label_set)
    assert len(labels) == len({label.key for label in labels}) == count
    keys = [label.key.lower() for label in labels]
    if label_set != "places205":  # whose order of index is not quite the alphabet's
        assert keys == sorted(keys)


def test_labels_of_the_units_that_the_paper_shows() -> None:
    caffenet = zoo.get("caffenet").labels()
    assert [str(caffenet[i]) for i in (643, 624, 304, 945)] == ["mask", "library", "leaf beetle", "bell pepper"]
    places = zoo.get("places205-alexnet").labels()
    assert [str(places[i]) for i in (2, 7, 13)] == ["alley", "arch", "apartment building (outdoor)"]
    assert zoo.get("lrcn-single-frame").labels()[11].name == "billiards"
    with pytest.raises(DgnamError, match="'deepsim-fc6' is a generator and has no classes"):
        zoo.get("deepsim-fc6").labels()


def test_the_small_models_classes_are_imagenet_s() -> None:
    known = {label.key: label.names for label in zoo.read_labels("imagenet1000")}
    assert all(known[label.key] == label.names for label in zoo.read_labels("imagenet200"))


@pytest.mark.parametrize("how", ["shuffled", "brg", "blur"])
def test_a_control_s_classes_are_regular_and_then_modified(how: str) -> None:
    labels, regular = zoo.read_labels(f"control-{how}200"), zoo.read_labels("imagenet200")[:100]
    assert labels[:100] == regular
    assert [label.key for label in labels[100:]] == [f"{label.key}-{how}" for label in regular]
    assert [label.name for label in labels[100:]] == [f"{label.name} ({how})" for label in regular]


def test_a_label_file_has_names_with_or_without_wordnet_ids(tmp_path: Path) -> None:
    (tmp_path / "own.txt").write_text("# classes\ngreat white shark, man-eater\nn01443537 goldfish, Carassius\n\nred\n")
    labels = zoo.read_label_file(tmp_path / "own.txt")
    assert [label.names for label in labels] == [
        ("great white shark", "man-eater"),
        ("goldfish", "Carassius"),
        ("red",),
    ]
    assert [label.key for label in labels] == ["great white shark, man-eater", "n01443537", "red"]


@pytest.mark.parametrize(("content", "reason"), [(b"", "lists no class"), (b"\xff\xfe\x00", "is not a text")])
def test_a_label_file_that_cannot_be_used_is_named(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "own.txt"
    path.write_bytes(content)
    with pytest.raises(DgnamError, match=f"own.txt.*{reason}"):
        zoo.read_label_file(path)
