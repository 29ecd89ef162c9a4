"""What a net lists by name: an OrderedDict, but for what an unknown name says."""

import copy
import pickle
from collections import OrderedDict

import pytest

from dgnam.caffe.wiring.by_name import ByName
from dgnam.errors import CaffeError


@pytest.fixture
def blobs() -> ByName[int]:
    return ByName([("data", 1), ("fc8", 2)], net="small", what="blob")


def test_it_is_an_ordered_dict(blobs):
    assert list(blobs.items()) == [("data", 1), ("fc8", 2)]
    assert blobs == OrderedDict(data=1, fc8=2)
    assert "fc9" not in blobs
    assert blobs.get("fc9") is None
    assert blobs.pop("fc9", 3) == 3
    for twin in (blobs.copy(), copy.deepcopy(blobs), pickle.loads(pickle.dumps(blobs))):
        assert twin == blobs


@pytest.mark.parametrize("kind", [KeyError, CaffeError])
def test_an_unknown_name_shows_the_closest(blobs, kind):
    with pytest.raises(kind, match=r"^net 'small' has no blob 'fc9'; its blobs, the closest first: fc8, data$"):
        blobs["fc9"]
    with pytest.raises(kind, match="no blob '3'"):
        blobs[3]
