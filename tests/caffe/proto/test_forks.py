"""Layer types and options of Caffe's forks: which are known, and that none is BVLC's."""

import pytest

from dgnam.caffe import layer_type_list
from dgnam.caffe.proto import forks, pb
from dgnam.caffe.proto.forks import about_option, about_type


@pytest.mark.parametrize("name", layer_type_list())
def test_no_type_of_bvlc_is_a_forks(name):
    assert about_type(name) == ""


def test_no_type_of_v1_is_a_forks():
    assert not [name for name in pb.V1LayerParameter.DESCRIPTOR.enum_values_by_name if about_type(name)]


def test_types_name_model_and_replacement():
    assert "(SSD)" in about_type("PriorBox")
    assert "(DeepLab)" in about_type("IMAGE_SEG_DATA")
    assert "Clip with min: 0 and max: 6" in about_type("ReLU6")
    assert about_type("Convolutoin") == ""


def test_replacements_are_of_known_types():
    known = {forks._key(name) for types in forks._MODELS.values() for name in types.split()}
    assert set(forks._INSTEAD) <= known


def test_options():
    assert "dilation" in about_option("hole", "Convolution")
    assert "Python" in about_option("denseblock_param", "DenseBlock")
    assert about_option("kernal_size", "Convolution") == ""
    assert about_option("quantization_param", "Convolution") == ""
    assert about_option("_param", "") == ""
