"""MemoryData and Net.set_input_arrays: hand-derived cases."""

import numpy as np
import pytest

from dgnam.caffe.net import Net
from dgnam.caffe.proto import parse_net, pb
from dgnam.errors import CaffeError

TEXT = """layer { name: "m" type: "MemoryData" top: "data" top: "label"
  memory_data_param { batch_size: 2 channels: 3 height: 4 width: 5 } }"""


@pytest.fixture
def net() -> Net:
    return Net(parse_net(TEXT), pb.TEST)


def arrays(count: int) -> tuple[np.ndarray, np.ndarray]:
    data = np.arange(count * 60, dtype=np.float32).reshape(count, 3, 4, 5)
    return data, np.arange(count, dtype=np.float32)


def test_batches_go_round(net):
    data, labels = arrays(4)
    net.set_input_arrays(data, labels)
    seen = [net.forward()["label"].ravel().tolist() for _ in range(3)]
    assert seen == [[0, 1], [2, 3], [0, 1]]
    assert np.array_equal(net.blobs["data"].data, data[:2])


def test_the_label_gets_caffes_four_axes_with_the_first_pass(net):
    assert net.blobs["label"].shape == (2,)
    net.set_input_arrays(*arrays(2))
    net.forward()
    assert net.blobs["label"].shape == (2, 1, 1, 1)


def test_the_arrays_are_not_copied(net):
    data, labels = arrays(2)
    net.set_input_arrays(data, labels)
    data[...] = 9
    assert (net.forward()["data"] == 9).all()


def test_views_stay_valid(net):
    view = net.blobs["data"].data
    net.set_input_arrays(*arrays(2))
    net.forward()
    assert np.array_equal(view, arrays(2)[0])


@pytest.mark.parametrize(
    ("data", "labels", "message"),
    [
        (arrays(3)[0], arrays(3)[1], "3 items.*multiple of its batch size 2"),
        (arrays(0)[0], arrays(0)[1], "0 items"),
        (arrays(2)[0].astype(np.float64), arrays(2)[1], "data must be a contiguous array of float32"),
        (arrays(4)[0][::2], arrays(2)[1], "data must be a contiguous"),
        (arrays(2)[0][:, :2].copy(), arrays(2)[1], r"data must have shape \(n, 3, 4, 5\); got \(2, 2, 4, 5\)"),
        (arrays(2)[0], np.zeros((2, 3), np.float32), "labels must have shape"),
        (arrays(2)[0], arrays(4)[1], "2 items of data and 4 labels"),
    ],
)
def test_bad_arrays(net, data, labels, message):
    with pytest.raises(CaffeError, match=f"layer 'm'.*{message}"):
        net.set_input_arrays(data, labels)


def test_forward_without_arrays(net):
    with pytest.raises(CaffeError, match="set_input_arrays"):
        net.forward()


def test_another_first_layer():
    net = Net(parse_net('layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 } } }'), pb.TEST)
    with pytest.raises(CaffeError, match=r"MemoryData layer first, not layer 'x' \(Input\)"):
        net.set_input_arrays(*arrays(2))


def test_sizes_must_be_given():
    with pytest.raises(CaffeError, match="batch_size, channels, height and width"):
        Net(parse_net(TEXT.replace("width: 5", "")), pb.TEST)
