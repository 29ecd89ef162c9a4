"""HDF5Output: what the file holds."""

import h5py
import numpy as np
import pytest

from dgnam.caffe.net import Net
from dgnam.caffe.proto import parse_net, pb
from dgnam.errors import CaffeError


def output_net(path: object, label: str = "dim: 2") -> Net:
    return Net(
        parse_net(
            f"""force_backward: true
            layer {{ name: "in" type: "Input" top: "data" top: "label"
              input_param {{ shape {{ dim: 2 dim: 3 dim: 4 }} shape {{ {label} }} }} }}
            layer {{ name: "out" type: "HDF5Output" bottom: "data" bottom: "label"
              hdf5_output_param {{ file_name: "{path}" }} }}"""
        ),
        pb.TEST,
    )


def test_the_bottoms_with_four_axes(tmp_path):
    net = output_net(tmp_path / "out.h5")
    data = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    net.forward(data=data, label=np.array([5, 6]))
    with h5py.File(tmp_path / "out.h5") as file:
        assert sorted(file) == ["data", "label"]
        assert file["data"].dtype == np.float32
        assert np.array_equal(file["data"][()], data[..., None])
        assert np.array_equal(file["label"][()], np.array([5, 6], np.float32).reshape(2, 1, 1, 1))
    net.backward()


def test_a_second_pass_would_lose_the_first(tmp_path):
    net = output_net(tmp_path / "out.h5")
    net.forward()
    with pytest.raises(CaffeError, match=r"layer 'out'.*out\.h5 holds a pass already"):
        net.forward()


def test_other_numbers_of_items(tmp_path):
    with pytest.raises(CaffeError, match="2 items and its labels 3"):
        output_net(tmp_path / "out.h5", "dim: 3").forward()
    assert not list(tmp_path.iterdir())


def test_a_file_must_be_given():
    with pytest.raises(CaffeError, match="file_name"):
        output_net("")
