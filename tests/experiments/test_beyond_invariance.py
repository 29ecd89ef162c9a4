"""Which pictures that were pushed apart still fire their unit."""

import numpy as np

from dgnam.experiments.beyond_invariance import kept


def test_each_picture_has_to_fire_its_unit():
    """Not their mean: good ones do not make up for one that is not.  Weight 0 is what the others are set against."""
    activations = np.array(
        [
            [[10, 8.0, 10], [9, 9, 9], [10, 10, 8.9]],
            [[-1, -2, -3], [-1, -1, -1], [5, 5, 5]],
            [[10, 10, 10], [20, 20, 9], [20, 20, 8]],
        ]
    )
    assert kept(activations).tolist() == [[True, True, False], [True, False, False], [True, True, False]]
