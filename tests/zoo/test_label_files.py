"""The names of classes in the forms that are about."""

import contextlib
import json
import time

import numpy as np
import pytest

from dgnam.errors import FormatError
from dgnam.zoo import labels_of, read_label_file, read_labels

NAMES = ["tench", "great white shark", "hen"]


def names_in(tmp_path, content, name="labels.txt"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return [label.name for label in read_label_file(path)]


def test_whole_synset_lines(tmp_path):
    (tmp_path / "words.txt").write_text("n01440764 tench, Tinca tinca\nn01484850\tgreat white shark, man-eater\n")
    labels = read_label_file(tmp_path / "words.txt")
    assert [(label.key, label.names) for label in labels] == [
        ("n01440764", ("tench", "Tinca tinca")),
        ("n01484850", ("great white shark", "man-eater")),
    ]
    assert labels_of(["n01440764 tench, Tinca tinca", "n01484850\tgreat white shark, man-eater"]) == labels


def test_arrays_are_lists_of_names():
    assert labels_of(np.array(NAMES)) == labels_of(NAMES)


def test_wordnet_ids_alone_get_their_names(tmp_path):
    known = read_labels("imagenet1000")
    text = "".join(f"{label.key}\n" for label in reversed(known))
    (tmp_path / "ids.txt").write_text(text)
    assert read_label_file(tmp_path / "ids.txt") == known[::-1]
    assert labels_of(["n99999999"])[0].name == "n99999999"


@pytest.mark.parametrize(
    "content",
    [
        "tench\ngreat white shark, man-eater\nhen\n",
        "0 tench\n1 great white shark\n2 hen\n",
        "2: hen\n0: tench\n1: great white shark\n",
        "1\ttench\n2\tgreat white shark\n3\then\n",
        "0,tench\n2,hen\n1,great white shark\n",
        'index,name\n0,tench\n1,"great white shark, man-eater"\n2,hen\n',
        "id;label\n0;tench\n1;great white shark\n2;hen\n",
        "tench 0\nhen 2\ngreat white shark 1\n",
        '{"0": "tench", "1": "great white shark", "2": "hen"}',
        '{"1": "tench", "2": "great white shark", "3": "hen"}',
        '{"0": ["n01440764", "tench"], "1": ["n01484850", "great_white_shark"], "2": ["n01514859", "hen"]}',
        '{"tench": 0, "hen": 2, "great white shark": 1}',
        '{"architectures": ["X"], "num_labels": 3, "id2label": {"2": "hen", "0": "tench", "1": "great white shark"}}',
        '{"label2id": {"tench": 0, "hen": "2", "great white shark": 1}}',
        '["tench", "great white shark", "hen"]',
        '{"classes": ["tench", "great white shark", "hen"]}',
        "{0: 'tench, Tinca tinca',\n 1: 'great white shark, man-eater',\n 2: \"hen\"}",
        "['tench', 'great white shark', 'hen']",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_form_gives_the_same_names(tmp_path, content, encoding, end):
    assert names_in(tmp_path, content.replace("\n", end).encode(encoding)) == NAMES


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("0\n1\n2\n", ["0", "1", "2"]),
        ("class 0\nclass 1\nclass 2\n", ["class 0", "class 1", "class 2"]),
        ("0 a\n5 b\n", ["0 a", "5 b"]),
        ("0 crane\n1 crane\n", ["crane", "crane"]),
        ("/a/alley 0\n/b/barn 1\n", ["/a/alley", "/b/barn"]),
        ("=x\n-y\n", ["=x", "-y"]),
        ("a\x85b\n\u2028\n", ["a\x85b"]),
        ("only 0\n", ["only 0"]),
    ],
)
def test_numbers_are_taken_off_only_where_they_count_the_lines(tmp_path, content, names):
    assert names_in(tmp_path, content) == names


def test_the_folders_of_a_tree_are_the_classes(tmp_path):
    for name in ("hen", "Tench", "n01484850", ".ipynb_checkpoints"):
        (tmp_path / "train" / name).mkdir(parents=True)
    (tmp_path / "train/readme.txt").write_text("")
    labels = read_label_file(tmp_path / "train")
    assert [label.name for label in labels] == ["Tench", "hen", "great white shark"]
    assert labels[2].key == "n01484850"
    with pytest.raises(FormatError, match="holds no folder, and classes are the folders in it"):
        read_label_file(tmp_path / "train/hen")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"0": "a", "2": "b"}', "the numbers of 2 classes must be 0 to 1, each once, and 1 is missing"),
        ('{"0": "a", "00": "b"}', "1 is missing"),
        ('{"a": 0, "b": 0}', "1 is missing"),
        ('{"5": "a", "6": "b"}', "0 is missing"),
        ('{"a": "x", "b": "y"}', "neither the keys nor the values of the dict are all numbers"),
        ('{"0": 3}', "class 0: 3 is not a name"),
        ('{"0": ""}', "class 0: '' is not a name"),
        ('["a", null]', "class 1: None is not a name"),
        ("[]", "lists no class"),
        ("{}", "lists no class"),
        ("{0: 'a'", "neither JSON nor a dict or list of Python"),
        ("{0: open('x')}", "neither JSON nor a dict or list of Python"),
        ("[" * 100_000, "neither JSON nor"),
        ("# nothing\n\n", "lists no class"),
        (b"\x93NUMPY\0\0", "is not a text"),
    ],
)
def test_what_is_no_list_of_classes_is_named(tmp_path, content, message):
    with pytest.raises(FormatError, match=rf"labels\.txt.*{message}"):
        names_in(tmp_path, content)


def test_a_dict_of_python_is_read_like_its_json():
    given = {0: "tench", 1: "great white shark", 2: "hen"}
    assert labels_of(given) == labels_of(json.loads(json.dumps(given)))
    with pytest.raises(FormatError, match="labels: 5 is no list of names"):
        labels_of(5)


@pytest.mark.parametrize(
    "content",
    [
        "0" + " " * 500_000 + "x",
        "x" + " " * 500_000 + "0",
        "x" * 500_000,
        '{"classes": ' * 400 + "[]" + "}" * 400,
        json.dumps({str(number): "a" for number in range(1, 200_000, 2)}),
        "{" + "0: 'a', " * 400_000,
    ],
)
def test_hostile_lists_take_no_time(tmp_path, content):
    (tmp_path / "labels.txt").write_text(content)
    started = time.monotonic()
    with contextlib.suppress(FormatError):
        read_label_file(tmp_path / "labels.txt")
    assert time.monotonic() - started < 20
