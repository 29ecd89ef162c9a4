"""Searches without gradients through `visualize`: scores that belong to the pictures, and folders that go on."""

import numpy as np
import pytest
import torch

import dgnam
from dgnam.am import CaffeTarget, GeneratorPrior, Unit, released, unit_box
from dgnam.am.evolve import Genetic
from dgnam.errors import DgnamError
from dgnam.zoo import registry as zoo

SMALL = Genetic(population=6)


def red(pictures):
    return pictures[..., 0].mean((1, 2)) - pictures[..., 2].mean((1, 2))


@pytest.fixture
def target(nets):
    return CaffeTarget(zoo.load_net(nets / "target.prototxt", nets / "target.h5", "target"))


@pytest.fixture
def prior(nets):
    return GeneratorPrior(zoo.load_net(nets / "generator.prototxt", nets / "generator.h5", "generator"))


def test_a_callable_gives_the_pictures_that_it_scored(prior):
    found = dgnam.visualize(red, prior=prior, method=SMALL, generations=3, seeds=2, progress=False)
    assert np.allclose(red(found.images), found.activations, atol=0.05)


def test_a_units_activation_is_that_of_its_image(target, prior):
    found = dgnam.visualize(target, "fc8:3", prior=prior, method=SMALL, generations=3, seeds=2, progress=False)
    with torch.no_grad():
        values = target(torch.from_numpy(found.raw), ["fc8"])["fc8"][:, 3].numpy()
    assert np.allclose(values, found.activations, rtol=1e-3, atol=1e-3)


def test_searches_of_different_lengths_have_one_table_of_traces(prior, tmp_path):
    how = {"prior": prior, "method": SMALL, "progress": False, "folder": tmp_path / "run"}
    dgnam.visualize(red, generations=3, seeds=1, **how)
    found = dgnam.visualize(red, generations=2, seeds=2, resume=True, **how)
    assert np.isnan(found.traces).tolist() == [[False] * 3, [False, False, True]]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"objective": "fc8:4"}, "search.record.objective"),
        ({"method": "xdream"}, "search.parameters"),
        ({"method": Genetic(population=7)}, "search.parameters.population 6"),
        ({"seeds": [5]}, "search.seed 0"),
        ({"clip": unit_box()}, "bounds of codes"),
        ({"start": "zero"}, "start codes"),
    ],
)
def test_a_search_goes_on_only_as_it_began(target, prior, tmp_path, changed, message):
    how = {"objective": "fc8:3", "prior": prior, "method": SMALL, "progress": False, "folder": tmp_path / "run"}
    dgnam.visualize(target, generations=1, **how)
    with pytest.raises(DgnamError, match=f"can't go on: it was made with .*{message}"):
        dgnam.visualize(target, generations=2, resume=True, **(how | changed))


def test_folders_that_hold_something_else(prior, tmp_path):
    how = {"prior": prior, "method": SMALL, "progress": False, "generations": 1}
    with pytest.raises(DgnamError, match="holds no search"):
        dgnam.visualize(red, folder=tmp_path / "typo", resume=True, **how)
    (tmp_path / "full").mkdir()
    (tmp_path / "full/run.json").write_text("{}")
    with pytest.raises(DgnamError, match="is not empty"):
        dgnam.visualize(red, folder=tmp_path / "full", **how)


def test_settings_and_movies_are_no_use_without_gradients(target, prior):
    with pytest.raises(DgnamError, match="no use for settings"):
        dgnam.visualize(red, prior=prior, settings=released(), progress=False)
    with pytest.raises(DgnamError, match="no use for movies"):
        dgnam.visualize(target, Unit("fc8", 3), prior=prior, method="cma", movies=[".gif"], progress=False)
