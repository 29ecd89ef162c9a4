"""What a card says of a training, by its log."""

import json

import pytest

from dgnam.train.data_layer import DataLayer
from dgnam.train.zoo import card as module
from dgnam.train.zoo.card import card_text, training_facts

LAYER = DataLayer("toy-train", 8, 12, True, (104.0, 117.0, 123.0))
LOG = [
    {"iteration": 0, "device": "cuda", "threads": 2},
    {"iteration": 10, "seconds": 4.4, "waiting": 0.1},
    {"iteration": 10, "top1": 0.5},
    {"iteration": 20, "device": "cpu", "threads": 3},
    {"iteration": 20, "seconds": 8.6, "waiting": 0.25},
    {"iteration": 30, "seconds": 12.2, "waiting": 0.9},
]


def facts(folder, iterations, log=LOG):
    (folder / "log.jsonl").write_text("".join(f"{json.dumps(entry)}\n" for entry in log))
    return training_facts(folder, LAYER, iterations, "mps")


def test_facts_are_those_up_to_the_iteration(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "threads", lambda: 9)
    found = facts(tmp_path, 20)
    assert found == {
        "pictures": "toy-train",
        "iterations": 20,
        "batch_size": 8,
        "seconds": 9,
        "images_per_second": round(160 / 8.6),
        "waiting_for_data": 0.175,
        "device": "cuda",
        "threads": 2,
    }
    assert (facts(tmp_path, 30)["device"], facts(tmp_path, 30)["threads"]) == ("cpu", 3)
    none = facts(tmp_path, 0)
    assert (none["seconds"], none["images_per_second"], none["waiting_for_data"]) == (None, None, None)
    assert (none["device"], none["threads"]) == ("mps", 9)


CARD = {
    "name": "own",
    "what": "a net",
    "file": "own.h5",
    "bytes": 1234567,
    "sha256": "ab",
    "data": "toys",
    "date": "2026-01-01",
    "measured": {"on": "toys", "top1": 0.123456},
    "training": {
        "pictures": "toy",
        "iterations": 1500,
        "batch_size": 8,
        "seconds": 90,
        "images_per_second": 20,
        "waiting_for_data": 0.0125,
        "device": "cpu",
        "threads": 1,
    },
}


def test_a_card_for_people():
    text = card_text(CARD)
    assert text.startswith("# own\n\nA net.\n\n- Definition: `prototxt/own/deploy.prototxt`; weights: `own.h5`, ")
    assert "Caffe's HDF5 in float16, 1,234,567 bytes, sha256 `ab`." in text
    way = "`dgnam train own --data DIR`: 1,500 batches of 8 from `toy`; 1.5 min; 20 images/s on cpu; "
    assert f"- Training: {way}1.2% of the time spent waiting for data.\n" in text
    assert text.endswith("| what | value |\n| --- | --- |\n| top1 | 0.1235 |\n")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"seconds": None, "images_per_second": None, "waiting_for_data": None}, "from `toy`; time not recorded."),
        ({"frames": 4}, "1,500 batches of 8 clips of 4 frames from `toy`"),
        ({"statistics_of": 512}, "folded away were those of 512 training pictures."),
        ({"of": {"model": "whole", "iterations": 9000}}, "from `toy`, of the 9,000 of whole's training; 1.5 min"),
        ({"of": {"model": "whole", "iterations": 9, "code": "fc6"}}, "The values of fc6 have the scale that"),
        (
            {"of": {"model": "whole", "iterations": 9}, "iterations": 0},
            "DIR`: none yet; the weights are those",
        ),
    ],
)
def test_what_else_a_training_was(change, words):
    text = card_text({**CARD, "training": {**CARD["training"], **change}})
    assert words in text
    assert ("- Before: " in text) is False


def test_what_came_before_and_how_a_caffemodel_is_stored():
    whole = {**CARD["training"], "pretraining": {**CARD["training"], "iterations": 3}}
    text = card_text({**CARD, "training": whole, "file": "own.caffemodel", "definition": "other"})
    assert "- Before: 3 batches of 8 from `toy`; 1.5 min;" in text
    assert "prototxt/other/deploy.prototxt`; weights: `own.caffemodel`, a caffemodel in float32," in text
    assert "zipped, 1,234,567" in card_text({**CARD, "storage": "zipped"})
