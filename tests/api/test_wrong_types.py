"""Each argument of each public function, given a value of a wrong type: one clear error that names the argument."""

import inspect
import shlex

import numpy as np
import pytest
from PIL import Image
from torch import nn

import dgnam
from dgnam.am import (
    Bounds,
    Channel,
    Direction,
    FourierPrior,
    GeneratorPrior,
    L2Decay,
    Linear,
    Settings,
    TorchPrior,
    TorchTarget,
    Unit,
    act_range_bounds,
    paper,
    released,
)
from dgnam.am.targets import CaffeTarget
from dgnam.api.act_range import act_range
from dgnam.api.judges import open_judge
from dgnam.api.layers import describe
from dgnam.api.priors import open_prior
from dgnam.caffe.modules.caffe_module import CaffeModule
from dgnam.caffe.proto import parse_net
from dgnam.errors import ArgumentError, DgnamError
from dgnam.runs import Record
from tests.api.conftest import GENERATOR, TARGET


class Wrong:
    """Of no type that anything takes."""

    def __repr__(self) -> str:
        return "Wrong()"


VALUES = (Wrong(), [Wrong()], b"bytes", 2.5j, {1: Wrong()})
VALID = {
    "visualize": (dgnam.visualize, ("target", "objective")),
    "evolve": (dgnam.evolve, ("target", "objective")),
    "tune": (dgnam.tune, ("target", "objective", "report_on", "score")),
    "act_range": (act_range, ("images",)),
    "top_images": (dgnam.top_images, ("target", "objective", "images")),
    "occlusion": (dgnam.occlusion, ("target", "objective", "images")),
    "neighbors": (dgnam.neighbors, ("pictures", "target")),
    "describe": (describe, ("target",)),
    "load": (dgnam.load, ("folder",)),
    "again": (dgnam.again, ("run", "job")),
    "open_target": (dgnam.open_target, ("target",)),
    "open_prior": (open_prior, ("prior", "size")),
    "open_judge": (open_judge, ("name",)),
    "begin_search": (dgnam.begin_search, ("folder",)),
    "open_search": (dgnam.open_search, ("folder",)),
    "TorchTarget": (TorchTarget, ("module", "size")),
    "TorchPrior": (TorchPrior, ("module", "code_shape")),
    "CaffeTarget": (CaffeTarget, ("module",)),
    "GeneratorPrior": (GeneratorPrior, ("module",)),
    "FourierPrior": (FourierPrior, ("size",)),
    "Unit": (Unit, ("layer", "index")),
    "Channel": (Channel, ("layer", "index")),
    "Direction": (Direction, ("layer", "vector")),
    "Settings": (Settings, ("n_iters", "schedule", "regularizer")),
    "released": (released, ()),
    "paper": (paper, ()),
    "Linear": (Linear, ("start", "end")),
    "Bounds": (Bounds, ("lower", "upper")),
    "act_range_bounds": (act_range_bounds, ("upper",)),
}
"""The functions and classes, with the arguments that they need."""

LATER = {"again": ("target", "objective", "prior"), "open_search": ("prior",)}
"""Arguments that are looked at only where there is a run to open them for."""


@pytest.fixture
def usual(tiny_nets, tmp_path, monkeypatch):
    """A value for each argument that is needed."""
    monkeypatch.chdir(tmp_path)
    target = CaffeTarget(CaffeModule(parse_net(TARGET), seed=1))
    return {
        "target": target,
        "objective": "fc8:1",
        "report_on": "fc8:2",
        "images": ".",
        "pictures": "x",
        "layer": "a",
        "folder": "new",
        "run": "x",
        "job": 0,
        "prior": GeneratorPrior(CaffeModule(parse_net(GENERATOR), seed=1)),
        "size": (28, 28),
        "name": "judge-mini",
        "index": 1,
        "code_shape": 3,
        "vector": np.ones(3),
        "n_iters": 3,
        "schedule": Linear(8.0, 0.0),
        "regularizer": L2Decay(0.99),
        "start": 8.0,
        "end": 0.0,
        "lower": 0.0,
        "upper": np.ones(3),
        "module": nn.Linear(3, 3),
        "score": lambda images, objectives: np.zeros(len(images)),
    }


@pytest.mark.parametrize("name", VALID)
def test_a_wrong_type_is_one_clear_error(usual, tmp_path, name):
    function, needed = VALID[name]
    given = {argument: usual[argument] for argument in needed}
    if name in ("CaffeTarget", "GeneratorPrior"):
        given["module"] = CaffeModule(parse_net(TARGET if name == "CaffeTarget" else GENERATOR), seed=1)
    if name == "TorchPrior":
        given["module"] = nn.Sequential(nn.Linear(3, 48), nn.Unflatten(1, (3, 4, 4)))
    for argument in inspect.signature(function).parameters:
        for value in VALUES:
            if argument in LATER.get(name, ()):
                continue
            with pytest.raises(DgnamError) as caught:
                function(**{**given, argument: value})
            said = str(caught.value)
            assert "\n" not in said, (argument, value)
            assert argument in said.lower() or "is not a target" in said or "is not a prior" in said, (
                argument,
                value,
                said,
            )
            assert "give" in said or "Module" in said or "need" in said, (argument, value, said)
    assert list(tmp_path.iterdir()) == []  # nothing was begun


def test_a_call_that_lacks_an_argument_is_pythons_own_error():
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'target'"):
        dgnam.open_target()
    with pytest.raises(ArgumentError, match="scale 'a': give a number"):
        dgnam.open_target("caffenet-mini", scale="a")


@pytest.mark.parametrize("folder", ["a run", "it's", "a;b"])
def test_commands_in_messages_can_be_copied(tmp_path, monkeypatch, folder):
    monkeypatch.chdir(tmp_path)
    (tmp_path / folder).mkdir()
    Record("visualize", {}, {}).write(tmp_path / folder)
    for function in (dgnam.load, dgnam.open_search):
        with pytest.raises(DgnamError) as caught:
            function(folder)
        assert shlex.split(str(caught.value).rpartition(": ")[2]) == ["dgnam", "resume", folder]


SECOND = """
layer { name: "aux" type: "Input" top: "aux" input_param { shape { dim: 1 dim: 4 } } }
layer { name: "cat" type: "Concat" bottom: "fc8" bottom: "aux" top: "cat" }
"""


def test_a_second_input_is_said_before_a_folder_is_made(tiny_nets, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    target = CaffeTarget(CaffeModule(parse_net(TARGET + SECOND), seed=1))
    prior = GeneratorPrior(CaffeModule(parse_net(GENERATOR), seed=1))
    how = {"objective": "cat:1", "folder": "run", "progress": False}
    Image.fromarray(np.zeros((28, 28, 3), np.uint8)).save("a.png")
    for function in (dgnam.visualize, dgnam.evolve):
        with pytest.raises(DgnamError, match="layer 'cat' of net 'tiny-target' needs a second input, 'aux'"):
            function(target, prior=prior, **how)
    for function in (dgnam.top_images, dgnam.occlusion):
        with pytest.raises(DgnamError, match="layer 'cat' of net 'tiny-target' needs a second input, 'aux'"):
            function(target, images=".", **how)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    assert len(dgnam.visualize(target, "fc8:1", prior=prior, n_iters=1, progress=False)) == 1
