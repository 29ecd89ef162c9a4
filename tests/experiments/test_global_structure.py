"""How much judges need a picture's whole, of pictures of any size."""

import numpy as np

from dgnam.experiments.global_structure import permutation_drops
from dgnam.experiments.pictures import Pictures
from dgnam.measure import Verdict


class FakeJudge:
    """Gives each image the value of its first pixel; notes the sizes that it sees."""

    def __init__(self):
        self.sizes = set()

    def rank(self, images, classes):
        self.sizes.add(images.shape[2:])
        return Verdict(np.ones(len(images), int), images[:, 0, 0, 0].astype(float))


def test_a_picture_that_has_no_equal_patches_loses_its_edge():
    images = np.zeros((2, 3, 227, 227), np.float32)
    images[:, :, 1:57, 1:57] = 16  # the first patch of the 224 pixels in the middle
    judge = FakeJudge()
    drops = permutation_drops(judge, Pictures(images, [5, 8]))
    assert judge.sizes == {(224, 224)}
    assert drops.shape == (2, 1)
    assert ((drops > 0) & (drops <= 16)).all()


def test_one_that_has_is_seen_whole():
    judge = FakeJudge()
    permutation_drops(judge, Pictures(np.zeros((1, 3, 56, 56), np.float32), [0]))
    assert judge.sizes == {(56, 56)}
