"""Figure 1's pieces that a whole run (tests/test_cli.py) does not show."""

import h5py
import numpy as np
import pytest
import torch
from PIL import Image

from dgnam.am import CaffeTarget, GeneratorPrior, released
from dgnam.am.render import render
from dgnam.experiments import Request
from dgnam.experiments import fig1_output_units as fig1
from dgnam.measure import Judge
from dgnam.zoo import registry as zoo


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    output = tmp_path_factory.mktemp("runs")
    return fig1.run(Request(units=[7, 3], output=output, published=True, progress=False))


def test_the_recorded_images_are_those_of_the_recorded_activations(outcome):
    with h5py.File(outcome.folder / "dgn_am.h5") as file:
        assert file["units"][()].tolist() == [7, 3]
        images, activations = file["images"][()], file["activations"][()]
        assert file["codes"].shape == (2, 384)
    target = CaffeTarget(zoo.load("caffenet-mini"))
    with torch.no_grad():
        values = target(torch.from_numpy(images), ["fc8"])["fc8"].numpy()
    np.testing.assert_allclose(values[[0, 1], [7, 3]], activations[:, -1], rtol=1e-4)
    assert activations.shape == (2, released().n_iters)
    assert (activations[:, -1] > activations[:, 0]).all()


def test_the_numbers_are_those_of_the_recorded_images(outcome):
    with h5py.File(outcome.folder / "dgn_am.h5") as file:
        images = file["images"][()]
    judge = Judge(zoo.load("judge-mini"), "fc")
    assert outcome.numbers["dgn_am"]["judge_top5"] == judge.rank(images, [7, 3]).top(5)


def test_published_pictures_are_jpegs_under_the_published_names(outcome):
    path = outcome.folder / "dgn_am" / "fc8_0007_200_0.99_8.0__0.jpg"
    with Image.open(path) as picture:
        assert (picture.format, picture.size) == ("JPEG", (56, 56))


def test_render_gives_the_centre_of_what_the_generator_makes():
    prior = GeneratorPrior(zoo.load("deepsim-fc6-mini"))
    codes = np.random.default_rng(0).random((3, 384), np.float32)
    images = render(prior, codes, (56, 56), batch_size=2)
    whole = render(prior, codes, (64, 64))
    assert images.shape == (3, 3, 56, 56)
    np.testing.assert_allclose(images, whole[:, :, 4:60, 4:60], atol=1e-3)
