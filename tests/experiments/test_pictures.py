"""Pictures of units: what is set beside real pictures has their colors."""

from types import SimpleNamespace

import numpy as np

from dgnam.data.preprocessing import preprocess
from dgnam.experiments.pictures import Pictures
from dgnam.experiments.sec3_5_modified_data import measured


def test_true_colors_are_those_of_the_pictures_that_images_are_made_of():
    shown = np.random.default_rng(0).integers(0, 256, (4, 5, 6, 3), np.uint8)
    images = preprocess(shown)
    images[shown.transpose(0, 3, 1, 2)[:, ::-1] == 255] += 100  # values that no picture has
    pictures = Pictures(images, [3, 8], (0, 1))
    assert np.array_equal(pictures.true_colors, shown)
    table = {}
    context = SimpleNamespace(tabulate=lambda step, units, seeds, columns: table.update({step: columns}))
    found, _ = measured(context, "net", "mean", lambda seen: seen.mean((1, 2, 3)), pictures, pictures)
    assert np.array_equal(found, shown.mean((1, 2, 3)).reshape(2, 2))
    assert np.array_equal(table["modified, net"]["mean"], found)
