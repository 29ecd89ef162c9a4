"""Dropout's random masks: how many are kept, at what scale, and that the gradient takes the same way."""

import numpy as np
import pytest

import dgnam.caffe as caffe
from dgnam.caffe.net import Net
from dgnam.caffe.proto import parse_net, pb

SHAPE = (50, 200)


def net_of(top: str, options: str = "", phase: int = pb.TRAIN) -> Net:
    text = f"""force_backward: true
    layer {{ name: "x" type: "Input" top: "x" input_param {{ shape {{ dim: 50 dim: 200 }} }} }}
    layer {{ name: "copy" type: "Power" bottom: "x" top: "y" }}
    layer {{ name: "drop" type: "Dropout" bottom: "y" top: "{top}" {options} }}"""
    caffe.set_random_seed(1701)
    net = Net(parse_net(text), phase)
    net.blobs["x"].data[...] = np.random.default_rng(0).uniform(1, 2, SHAPE)
    return net


@pytest.mark.parametrize("top", ["y", "z"])
@pytest.mark.parametrize("ratio", [0.25, 0.5, 0.75])
def test_what_is_kept_is_scaled_and_gets_the_gradient(ratio, top):
    net = net_of(top, f"dropout_param {{ dropout_ratio: {ratio} }}")
    out = net.forward()[top].copy()
    kept = out != 0
    # Caffe's test allows 1.96 standard deviations; its seed is its own, so a little more here.
    assert abs(kept.mean() - (1 - ratio)) < 3 * np.sqrt(ratio * (1 - ratio) / out.size)
    assert np.allclose(out, kept * net.blobs["x"].data / (1 - ratio), rtol=1e-6)
    diff = np.random.default_rng(1).standard_normal(SHAPE).astype(np.float32)
    net.backward(**{top: diff})
    assert np.allclose(net.blobs["x"].diff, kept * diff / (1 - ratio), rtol=1e-6)


def test_each_pass_has_a_mask_of_its_own_and_the_seed_repeats_them():
    masks = []
    for _ in range(2):
        net = net_of("z")
        masks.append([net.forward()["z"] != 0 for _ in range(2)])
    # Two independent masks of one half agree at half of the places.
    assert abs((masks[0][0] == masks[0][1]).mean() - 0.5) < 0.02
    assert all((a == b).all() for a, b in zip(*masks, strict=True))


def test_nothing_is_dropped_in_test():
    net = net_of("z", phase=pb.TEST)
    assert (net.forward()["z"] == net.blobs["x"].data).all()
    net.backward(z=np.full(SHAPE, 3.0))
    assert (net.blobs["x"].diff == 3).all()
