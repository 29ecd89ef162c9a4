import numpy as np
import pytest

from dgnam.caffe.wiring.batches import batches, joined, length
from dgnam.errors import CaffeError


def test_the_last_batch_is_padded_and_its_padding_cut_off_again():
    data = np.arange(1, 11, dtype=np.float32).reshape(5, 2)
    parts = list(batches({"data": data}, 2))
    assert [part["data"].tolist() for part in parts][-1] == [[9, 10], [0, 0]]
    np.testing.assert_array_equal(joined(parts, length({"data": data}))["data"], data)


def test_scalars_of_each_batch_make_a_row():
    np.testing.assert_array_equal(joined([{"loss": np.array(1.0)}, {"loss": np.array(2.0)}], 3)["loss"], [1, 2])


def test_nothing_to_join_is_an_error():
    assert list(batches({}, 2)) == []
    with pytest.raises(CaffeError, match="at least one array"):
        joined([], 0)
