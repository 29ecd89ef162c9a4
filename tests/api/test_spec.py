"""What JSON an argument becomes, and which were objects."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from dgnam.am import Bounds, TorchTarget, Unit, released
from dgnam.am.evolve import Genetic
from dgnam.api.spec import spec_of, to_json
from dgnam.files.checksums import sha256_of_array
from dgnam.runs.record import objects_in


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (None, None),
        (True, True),
        ("fc8:3", "fc8:3"),
        (np.int64(3), 3),
        (np.float32(0.5), 0.5),
        (Path("a/b"), "a/b"),
        ((1, 2), [1, 2]),
        (range(2), [0, 1]),
        ({"b", "a"}, ["a", "b"]),
        ({"a": Path("x"), "b": (1,)}, {"a": "x", "b": [1]}),
        (["50", (1.0, 32.0, "log")], ["50", [1.0, 32.0, "log"]]),
    ],
)
def test_plain_values_are_themselves(value, wanted):
    assert to_json(value) == wanted
    assert not objects_in({"value": to_json(value)})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), np.float32("nan")])
def test_what_json_cannot_hold_is_marked(value):
    made = to_json(value)
    assert made == {"object": "float", "value": repr(float(value))}
    json.dumps(made, allow_nan=False)
    assert objects_in({"scale": made}) == ["scale"]


def test_arrays_that_stand_for_lists_are_lists():
    given = {"objective": np.array(["fc8:1", "fc8:2"]), "l2": np.array([0.5, 1.0]), "pictures": np.zeros((2, 1))}
    spec = spec_of(given)
    assert (spec["objective"], spec["l2"]) == (["fc8:1", "fc8:2"], [0.5, 1.0])
    assert objects_in(spec) == ["pictures"]


def test_arrays_are_checksums():
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    made = to_json(values)
    assert made == {"object": "array", "shape": [2, 3], "sha256": sha256_of_array(values)}
    assert to_json(values + 1)["sha256"] != made["sha256"]
    assert objects_in({"clip": to_json(Bounds(0.0, np.ones(3, np.float32)))}) == ["clip"]


def test_dataclasses_are_their_fields():
    made = to_json(Genetic(population=6))
    assert (made["object"], made["fields"]["population"]) == ("Genetic", 6)
    assert to_json(released())["object"] == "Settings"
    assert objects_in({"objective": to_json([Unit("fc8", 3), "fc8:4"])}) == ["objective"]


def test_modules_are_the_checksums_of_their_weights():
    def target(seed):
        torch.manual_seed(seed)
        return TorchTarget(nn.Sequential(nn.Flatten(), nn.Linear(12, 2)), (2, 2))

    one, same, other = (to_json(target(seed)) for seed in (0, 0, 1))
    assert one == same != other
    assert one["weights"].startswith("sha256:")
    json.dumps(one)


def test_functions_are_their_names():
    def score(pictures):
        return pictures

    assert to_json(score)["object"].endswith("score")
    assert to_json(lambda: 0)["object"].endswith("<lambda>")
    assert objects_in({"joint": to_json({"a": "caffenet-mini", "b": score}), "seed": 0}) == ["joint"]


def test_where_a_run_lies_is_no_part_of_it():
    given = {"folder": Path("runs/a"), "resume": True, "progress": False, "seed": 3}
    assert spec_of(given) == {"seed": 3}
