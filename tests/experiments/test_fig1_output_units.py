"""Figure 1's pieces that a whole run (tests/test_cli.py) does not show."""

import h5py
import numpy as np
import pytest
import torch
from PIL import Image

from dgnam import zoo
from dgnam.am import CaffeTarget, GeneratorPrior
from dgnam.am.render import render
from dgnam.errors import ArgumentError
from dgnam.experiments import reproduce
from dgnam.measure import Judge
from dgnam.runs.index import read_summary


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    output = tmp_path_factory.mktemp("runs")
    return reproduce("fig1", scale="smoke", units=[7, 3], output=output, published_images=True, progress=False)


def test_the_recorded_images_are_those_of_the_recorded_activations(outcome):
    with h5py.File(outcome.folder / "dgn_am/chunks/00000.h5") as file:
        images, activations = file["images"][()], file["activations"][()]
        assert file["codes"].shape == (2, 768)
    target = CaffeTarget(zoo.load("caffenet-mini"))
    with torch.no_grad():
        values = target(torch.from_numpy(images), ["fc8"])["fc8"].numpy()
    np.testing.assert_allclose(values[[0, 1], [7, 3]], activations[:, -1], rtol=1e-4)
    assert activations.shape == (2, 3)
    assert (activations[:, -1] > activations[:, 0]).all()


def test_the_numbers_are_those_of_the_recorded_images(outcome):
    with h5py.File(outcome.folder / "dgn_am/chunks/00000.h5") as file:
        images = file["images"][()]
    judge = Judge(zoo.load("judge-mini"), "fc")
    assert outcome.numbers["dgn_am"]["judge_top5"] == judge.rank(images, [7, 3]).top(5)


def test_the_run_s_progress_is_in_images(outcome):
    assert read_summary(outcome.folder).progress == "4 images"


def test_published_pictures_are_jpegs_under_the_published_names(outcome):
    path = outcome.folder / "dgn_am/images" / "fc8_0007_03_0.99_8.0__0.jpg"
    with Image.open(path) as picture:
        assert (picture.format, picture.size) == ("JPEG", (56, 56))


def test_render_gives_the_center_of_what_the_generator_makes():
    prior = GeneratorPrior(zoo.load("deepsim-fc6-mini"))
    codes = np.random.default_rng(0).random((3, 384), np.float32)
    images = render(prior, codes, (56, 56), batch_size=2)
    whole = render(prior, codes, (64, 64))
    assert images.shape == (3, 3, 56, 56)
    np.testing.assert_allclose(images, whole[:, :, 4:60, 4:60], atol=1e-3)


def test_an_experiment_that_was_killed_goes_on(outcome, tmp_path):
    parts = reproduce("fig1", scale="smoke", units=[7, 3], output=tmp_path, published_images=True, progress=False)
    for name in ("dgn_am.png", "numbers.json", "pixels/chunks/00000.h5", "dgn_am/summary.csv"):
        (parts.folder / name).unlink()
    again = reproduce(
        "fig1", scale="smoke", units=[7, 3], folder=parts.folder, resume=True, published_images=True, progress=False
    )
    assert again.numbers == outcome.numbers
    for path in outcome.folder.rglob("*"):
        if path.is_file() and path.name != "events.jsonl":
            assert (parts.folder / path.relative_to(outcome.folder)).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("wrong", [{"units": "abc"}, {"models": ["mini"]}, {"seed": 0.5}])
def test_wrong_types_are_named(wrong, tmp_path):
    with pytest.raises(ArgumentError, match=next(iter(wrong))):
        reproduce("fig1", output=tmp_path / "runs", progress=False, **wrong)
    assert not (tmp_path / "runs").exists()
