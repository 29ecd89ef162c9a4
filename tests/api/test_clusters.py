"""From pictures to the starts of a neuron's facets, with the small encoder."""

import numpy as np
import pytest
from PIL import Image

from dgnam import zoo
from dgnam.am import CaffeTarget, GeneratorPrior, Job, Unit, released, synthesize
from dgnam.api.clusters import cluster_start
from dgnam.data.dataset import open_dataset
from dgnam.data.picture import DataError
from dgnam.data.preprocessing import MEAN_BGR, Preprocessing

PREPARE = Preprocessing((56, 56), (64, 64), np.array(MEAN_BGR, np.float32))


@pytest.fixture(scope="module")
def encoder():
    return zoo.load("caffenet-mini")


@pytest.fixture
def photos(tmp_path):
    """Red and blue pictures of class 1, green ones of class 0, and a listing."""
    draw = np.random.default_rng(0)
    lines = []
    for i in range(12):
        color = np.zeros(3)
        color[i % 3] = 220
        pixels = np.clip(color + draw.normal(0, 20, (64, 64, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{'rgb'[i % 3]}{i:02}.png")
        lines.append(f"{'rgb'[i % 3]}{i:02}.png {int(i % 3 != 1)}")
    (tmp_path / "list.txt").write_text("\n".join(lines))
    return tmp_path


def test_the_kinds_of_a_class_become_starts(photos, encoder):
    pictures = open_dataset(photos / "list.txt").of_class(1)
    start = cluster_start(encoder, "fc6", pictures, PREPARE, 2)
    kinds = [sorted(name.rsplit("/", 1)[-1][0] for name in group) for group in start.members]
    assert sorted(kinds) == [["b"] * 4, ["r"] * 4]
    assert start.as_dict()["source"].endswith("list.txt, label 1")
    codes = start.codes([0, 1], (384,))
    assert (codes >= 0).all()
    result = next(
        synthesize(
            CaffeTarget(zoo.load("caffenet-mini")),
            GeneratorPrior(zoo.load("deepsim-fc6-mini")),
            [Job(Unit("fc8", 3), seed, released(n_iters=1)) for seed in (0, 1)],
            clip=None,
            start_codes=codes,
            progress=False,
        )
    )
    red, blue = (0, 1) if kinds[0][0] == "r" else (1, 0)
    assert result.images[red][2].mean() > result.images[blue][2].mean()
    assert result.images[red][0].mean() < result.images[blue][0].mean()


def test_a_class_that_isnt_there(photos, encoder):
    with pytest.raises(DataError, match="label 7: none of its pictures can be read"):
        cluster_start(encoder, "fc6", open_dataset(photos / "list.txt").of_class(7), PREPARE, 2)
