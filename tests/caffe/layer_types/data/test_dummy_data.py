"""DummyData: hand-derived cases of shapes, and of which tops are filled when."""

import numpy as np
import pytest

import dgnam.caffe as caffe
from dgnam.caffe.net import Net
from dgnam.caffe.proto import parse_net, pb
from dgnam.errors import CaffeError


def dummy(options: str, tops: int = 2) -> Net:
    names = "".join(f' top: "t{i}"' for i in range(tops))
    caffe.set_random_seed(3)
    return Net(parse_net(f'layer {{ name: "d" type: "DummyData"{names} dummy_data_param {{ {options} }} }}'), pb.TRAIN)


def test_constants_are_there_at_once_and_then_left_to_the_caller():
    net = dummy("""shape { dim: 2 dim: 3 } data_filler { type: "constant" value: 7 }
                   data_filler { type: "gaussian" std: 2 }""")
    assert (net.blobs["t0"].data == 7).all()
    net.blobs["t0"].data[...] = 5
    net.blobs["t1"].data[...] = 5
    net.forward()
    assert (net.blobs["t0"].data == 5).all()
    assert not (net.blobs["t1"].data == 5).any()


def test_random_tops_are_drawn_anew_in_each_pass_as_the_seed_says():
    drawn = []
    for _ in range(2):
        net = dummy('shape { dim: 500 } data_filler { type: "uniform" min: 2 max: 3 }', tops=1)
        drawn += [net.forward()["t0"].copy(), net.forward()["t0"].copy()]
    assert (drawn[0] != drawn[1]).any()
    assert (drawn[0] == drawn[2]).all()
    assert (drawn[1] == drawn[3]).all()
    assert drawn[0].min() >= 2
    assert drawn[0].max() <= 3


def test_without_a_filler_tops_are_zero():
    assert not dummy("shape { dim: 2 }").forward()["t1"].any()


@pytest.mark.parametrize(
    ("options", "shapes"),
    [
        ("shape { dim: 2 dim: 3 }", [(2, 3), (2, 3)]),
        ("shape { dim: 2 } shape { dim: 4 dim: 1 }", [(2,), (4, 1)]),
        ("shape { }", [(), ()]),
        ("num: 5 channels: 2 height: 3 width: 4", [(5, 2, 3, 4)] * 2),
        ("num: 5 channels: 2 channels: 1 height: 3 height: 1 width: 4 width: 1", [(5, 2, 3, 4), (5, 1, 1, 1)]),
    ],
)
def test_shapes(options, shapes):
    net = dummy(options)
    net.forward()
    assert [blob.shape for blob in net.blobs.values()] == shapes


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("", "layer 'd'.*0 shape entries for 3 tops"),
        ("shape { dim: 1 } num: 2", "either shape or the old num"),
        ("num: 1 num: 2 channels: 1 height: 1 width: 1", "2 num entries for 3 tops"),
        ("num: 1", "0 channels entries for 3 tops"),
        ("shape { dim: 1 } data_filler { } data_filler { }", "2 data_fillers for 3 tops"),
        ('shape { dim: 1 } data_filler { type: "gausian" }', "unknown filler 'gausian'.*gaussian"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(CaffeError, match=message):
        dummy(options, tops=3).forward()


def test_a_backward_pass_ends_at_it():
    net = Net(
        parse_net(
            """force_backward: true
            layer { name: "d" type: "DummyData" top: "x" dummy_data_param { shape { dim: 2 }
              data_filler { value: 3 } } }
            layer { name: "p" type: "Power" bottom: "x" top: "y" power_param { power: 2 } }"""
        ),
        pb.TRAIN,
    )
    net.forward()
    net.blobs["y"].diff[...] = 1
    net.backward()
    assert np.array_equal(net.blobs["x"].diff, [6, 6])
