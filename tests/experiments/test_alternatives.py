"""Pictures of what fires a unit tell which of two real pictures fires it more; those of the opposite don't."""

from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pytest

from dgnam.data.dataset import Dataset
from dgnam.experiments.alternatives import candidates, references, told
from dgnam.experiments.sec3_6_training import told_by_pictures

alternatives = import_module("dgnam.experiments.alternatives")
training = import_module("dgnam.experiments.sec3_6_training")

WIDTH = 3


class Explained:
    """Stands for a context: the unit k is an image's channel k, and the images that are made fire it, or silence it."""

    frame_size = (1, 1)
    prior = None

    def __init__(self, seed=0):
        self.arguments = {"scale": "full"}
        self.drawn = np.random.default_rng(seed).normal(size=(2000, WIDTH, 1, 1))
        self.target = SimpleNamespace(target=SimpleNamespace(layer_shape=lambda layer: (WIDTH,)), scores="fc8")
        self.units = list(range(WIDTH))
        self.data = "a folder"
        self.shown = []
        self.tabulated = []
        self.looked_at = []

    def other(self, part):
        return self.target

    def visualize(self, step, objectives, *, target, seeds, **options):
        made = np.zeros((len(objectives), len(seeds), WIDTH, 1, 1))
        for place, text in enumerate(objectives):
            made[place, :, int(text[-1])] = -1 if text.startswith("-") else 1
        return SimpleNamespace(raw=made.reshape(-1, WIDTH, 1, 1))

    def features(self, images, crop=None):
        self.looked_at.append(len(images))
        return (images if crop is None else crop(images)).reshape(len(images), -1)

    def values(self, objectives, images, target):
        return np.stack([images[:, int(text[-1]), 0, 0] for text in objectives], 1)

    def render(self, codes):
        return codes

    def tabulate(self, step, units, seeds, columns):
        self.tabulated.append((step, list(units), list(columns)))

    def plot_means(self, name, series, **words):
        self.shown.append((name, series))


@pytest.fixture(autouse=True)
def random_pictures(monkeypatch):
    draw = np.random.default_rng(7)
    monkeypatch.setattr(alternatives, "random_codes", lambda prior, count: draw.normal(size=(count, WIDTH, 1, 1)))


def test_references_tell_and_the_opposite_does_not():
    context = Explained()
    units = {"fc7": [2], "fc8": [0, 1]}
    made = references(context, "step", units, 4)
    assert made["fc8"].most.shape == (2, 4, WIDTH)
    assert made["fc7"].most[0, 0].tolist() == [0, 0, 1]
    assert made["fc8"].first.units == [0, 1]
    opposite = alternatives.References(made["fc8"].least, made["fc8"].most, made["fc8"].first)
    context.looked_at.clear()
    shares = told(context, "fc8", [0, 1], context.drawn, {"ours": made["fc8"], "opposite": opposite})
    assert context.looked_at[0] <= 2 * (2 * 9 + 2 * 20)  # of 2000, those that are references or in pairs
    assert shares["ours"].tolist() == [1, 1]
    assert shares["opposite"].tolist() == [0, 0]
    assert shares["real"].min() > 0.9
    assert shares["random"].shape == (2,)


@pytest.mark.parametrize(("scale", "count"), [("smoke", 250), ("small", 1250), ("full", 5000)])
def test_real_pictures_are_spread_evenly(scale, count):
    context = Explained()
    context.arguments = {"scale": scale}
    context.held_out = Dataset.of_arrays("ten thousand", np.zeros((10_000, 1, 1, 3), np.uint8), np.zeros(10_000, int))
    context.seen = lambda pictures: pictures.take(slice(None))
    assert len(candidates(context)) == count


def test_each_snapshot_s_pictures_explain_its_units(monkeypatch):
    context = Explained()
    monkeypatch.setattr(training, "candidates", lambda given: given.drawn)
    found = told_by_pictures(context)
    assert list(found) == ["untrained", "50", "200", "1000", "4000", "converged", "overfit"]
    assert all(by["dgn_am"].tolist() == [1, 1, 1] for by in found.values())
    ((name, series),) = context.shown
    assert (name, list(series)) == ("told", ["dgn_am", "real", "random"])
    assert series["dgn_am"]["overfit"].tolist() == [100, 100, 100]
    assert len(context.tabulated) == len(found) * len(series)
    assert all((units, columns) == ([0, 1, 2], ["told"]) for _, units, columns in context.tabulated)
