"""The same start for each frame."""

import numpy as np
import pytest

from dgnam.am import ClusterStart, EachFrameStart, RandomStart
from dgnam.errors import DgnamError

CLUSTERS = ClusterStart(np.arange(6, dtype=np.float32).reshape(2, 3), (("a",), ("b",)))


def test_all_frames_begin_alike():
    codes = EachFrameStart(CLUSTERS).codes([0, 1, 2], (4, 3))
    assert codes.shape == (3, 4, 3)
    assert (codes == CLUSTERS.codes([0, 1, 2], (3,))[:, None]).all()
    assert EachFrameStart(CLUSTERS).as_dict()["of"] == CLUSTERS.as_dict()


def test_another_shape_is_the_starts_own_error():
    with pytest.raises(DgnamError, match="codes have shape"):
        EachFrameStart(CLUSTERS).codes([0], (4, 5))


def test_it_is_recorded_with_what_it_is_of():
    assert EachFrameStart(RandomStart()).as_dict() == {"start": "each frame", "of": {"start": "random"}}
