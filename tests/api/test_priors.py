"""The prior where none is given, and what an error about a missing one ends with."""

import json

import pytest
import torch
from torch import nn

import dgnam
from dgnam import zoo
from dgnam.am import PIXEL_PRESETS, TorchTarget
from dgnam.api.priors import LARGE_PRIOR, MIDDLE_PRIOR, SMALL_PRIOR, default_prior, open_prior
from dgnam.api.targets import open_target
from dgnam.zoo import folders


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A fresh machine without a network."""
    monkeypatch.setenv("DGNAM_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("dgnam.zoo.registry.fetch", lambda *given, **how: ["no connection"])


@pytest.mark.parametrize("size", [None, (64, 64), (227, 111)])
def test_small_targets_get_the_small_generator_without_a_word(size, recwarn):
    assert default_prior(size) == SMALL_PRIOR
    assert not recwarn


@pytest.mark.parametrize("size", [(112, 112), (128, 159)])
def test_targets_in_between_get_the_generator_of_their_size(size, recwarn):
    assert default_prior(size) == MIDDLE_PRIOR
    assert zoo.get(MIDDLE_PRIOR).state() == "here"
    assert not recwarn


@pytest.mark.parametrize("size", [(160, 160), (224, 224), (299, 299)])
def test_large_targets_get_the_small_generator_with_a_note(size):
    note = rf"{LARGE_PRIOR}, .* is not here .* prior is {SMALL_PRIOR}: 64 px, enlarged to {size[0]}x{size[1]}; dgnam"
    with pytest.warns(UserWarning, match=note):
        assert default_prior(size) == SMALL_PRIOR


def test_the_published_generator_is_taken_where_it_is_here(monkeypatch, recwarn):
    monkeypatch.setattr(zoo.ModelEntry, "state", lambda entry, what="weights": "here")
    assert default_prior((227, 227)) == LARGE_PRIOR
    assert not recwarn


def test_a_torch_module_of_the_usual_size_works_on_a_fresh_machine(tmp_path):
    torch.manual_seed(0)
    body = (nn.Conv2d(3, 4, 7, 4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5))
    target = TorchTarget(nn.Sequential(*body), size=(224, 224))
    how = {"n_iters": 2, "progress": False, "folder": tmp_path / "run"}
    with pytest.warns(UserWarning, match="64 px, enlarged to 224x224"):
        found = dgnam.visualize(target, "4:2", **how)
    assert found.images.shape == (1, 224, 224, 3)
    record = json.loads((tmp_path / "run/run.json").read_text())
    assert record["spec"]["prior"] == record["inputs"]["prior"]["name"] == SMALL_PRIOR


def test_the_errors_of_missing_models_end_with_what_works_here():
    with pytest.raises(zoo.MissingWeightsError) as error:
        open_prior("deepsim-fc6", (227, 227))
    end = str(error.value).rpartition("What works here: ")[2]
    assert end.startswith(f"--prior {SMALL_PRIOR} (64 px, enlarged), or in pixels: ")
    assert all(name in PIXEL_PRESETS for name in end.rpartition(": ")[2].split(", "))
    with pytest.raises(zoo.MissingWeightsError, match="What works here: caffenet-mini, ") as error:
        open_target("caffenet")
    assert "deepsim" not in str(error.value).rpartition("What works here: ")[2]
    assert folders.home().name == "home"


@pytest.mark.parametrize(
    ("side", "scale"), [(56, 56 / 227), (112, 112 / 227), (159, 159 / 227), (160, 1.0), (227, 1.0)]
)
def test_pixel_priors_are_as_much_finer_as_a_small_target(side, scale):
    assert open_prior("nguyen2016", (side, side)).record["scale"] == pytest.approx(scale)
