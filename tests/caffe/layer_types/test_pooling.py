"""Stochastic pooling's draws, and max pooling under Dropout; hand-derived, as Caffe's own tests have them."""

import numpy as np
import pytest

import dgnam.caffe as caffe
from dgnam.caffe.net import Net
from dgnam.caffe.proto import parse_net, pb


def net_of(pooling: str, shape: tuple[int, ...], more: str = "", phase: int = pb.TRAIN) -> Net:
    dims = " ".join(f"dim: {d}" for d in shape)
    text = f"""force_backward: true
    layer {{ name: "x" type: "Input" top: "x" input_param {{ shape {{ {dims} }} }} }}
    layer {{ name: "pool" type: "Pooling" bottom: "x" top: "y" pooling_param {{ {pooling} }} }} {more}"""
    caffe.set_random_seed(1701)
    return Net(parse_net(text), phase)


def test_stochastic_pooling_draws_each_value_as_often_as_it_is_large():
    net = net_of("pool: STOCHASTIC kernel_size: 2 stride: 2", (1000, 1, 2, 2))
    net.blobs["x"].data[...] = [[1, 2], [3, 4]]
    out = net.forward()["y"]
    assert [(out == value).mean() for value in (1, 2, 3, 4)] == pytest.approx([0.1, 0.2, 0.3, 0.4], abs=0.05)
    net.backward(y=np.full(out.shape, 5.0))
    assert (net.blobs["x"].diff == 5 * (net.blobs["x"].data == out)).all()


def test_stochastic_pooling_is_a_mean_weighted_by_the_values_in_test():
    net = net_of("pool: STOCHASTIC kernel_size: 2 stride: 2", (1, 1, 2, 2), phase=pb.TEST)
    net.blobs["x"].data[...] = [[1, 2], [3, 4]]
    assert net.forward()["y"].item() == pytest.approx((1 + 4 + 9 + 16) / (1 + 2 + 3 + 4))


def test_stochastic_pooling_stays_within_each_window():
    net = net_of("pool: STOCHASTIC kernel_size: 3 stride: 2", (2, 3, 6, 5))
    x = np.random.default_rng(0).uniform(0.1, 1, (2, 3, 6, 5)).astype(np.float32)
    net.blobs["x"].data[...] = x
    for _ in range(5):
        out = net.forward()["y"]
        assert out.shape == (2, 3, 3, 2)
        for n, c, h, w in np.ndindex(*out.shape):
            assert out[n, c, h, w] in x[n, c, 2 * h : 2 * h + 3, 2 * w : 2 * w + 3]


@pytest.mark.parametrize("phase", [pb.TRAIN, pb.TEST])
def test_dropout_after_max_pooling_passes_as_much_back_as_forward(phase):
    drop = 'layer { name: "drop" type: "Dropout" bottom: "y" top: "y" }'
    net = net_of("kernel_size: 3 stride: 2", (20, 3, 6, 5), drop, phase)
    net.blobs["x"].data[...] = 1
    out = net.forward()["y"]
    assert out.shape == (20, 3, 3, 2)
    assert set(np.unique(out)) == ({0, 2} if phase == pb.TRAIN else {1})
    total = float(out.sum())
    assert total == pytest.approx(out.size, rel=0.2)
    net.backward(y=np.ones(out.shape))
    assert float(net.blobs["x"].diff.sum()) == total
