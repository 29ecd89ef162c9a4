"""The messages as scripts import them: `from caffe.proto import caffe_pb2`."""

import pytest
from google.protobuf import text_format
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import EncodeError

from dgnam.caffe.proto import caffe_pb2, pb


def test_the_classes_are_those_of_the_runtime():
    assert caffe_pb2.NetParameter is pb.NetParameter
    assert set(pb.DESCRIPTOR.message_types_by_name) <= set(dir(caffe_pb2))


def test_enum_values_stand_where_protobuf_puts_them():
    assert (caffe_pb2.TRAIN, caffe_pb2.TEST, caffe_pb2.Phase.Name(1)) == (0, 1, "TEST")
    assert caffe_pb2.PoolingParameter.AVE == caffe_pb2.PoolingParameter.PoolMethod.Value("AVE") == 1
    assert caffe_pb2.V1LayerParameter.CONVOLUTION == 4
    assert caffe_pb2.V1LayerParameter.LayerType.Name(39) == "DECONVOLUTION"
    assert caffe_pb2.SolverParameter.BINARYPROTO == 1


def test_descriptors():
    assert "LayerParameter" in caffe_pb2.DESCRIPTOR.message_types_by_name
    assert caffe_pb2._V1LAYERPARAMETER_LAYERTYPE.values_by_number[4].name == "CONVOLUTION"


def test_an_unknown_name_is_an_error_of_this_module():
    with pytest.raises(AttributeError, match=r"caffe_pb2' has no attribute 'LayerParam'"):
        caffe_pb2.LayerParam  # noqa: B018


def test_nothing_of_caffes_definitions_is_missing():
    """The counts are those of BVLC Caffe 1.0's caffe.proto."""
    messages = caffe_pb2.DESCRIPTOR.message_types_by_name.values()
    enums = [*caffe_pb2.DESCRIPTOR.enum_types_by_name.values(), *(e for m in messages for e in m.enum_types)]
    assert len(messages) == 63
    assert sum(len(m.fields) for m in messages) == 423
    assert len(enums) == 26
    assert sum(len(e.values) for e in enums) == 111


# Numbers, types and defaults that old files rely on.
@pytest.mark.parametrize(
    ("message", "field", "number", "default"),
    [
        ("NetParameter", "layer", 100, None),
        ("NetParameter", "layers", 2, None),
        ("LayerParameter", "python_param", 130, None),
        ("LayerParameter", "clip_param", 148, None),
        ("V1LayerParameter", "blob_share_mode", 1002, None),
        ("V0LayerParameter", "hdf5_output_param", 1001, None),
        ("SolverParameter", "weights", 42, None),
        ("SolverParameter", "rms_decay", 38, 0.99),
        ("SolverParameter", "type", 40, "SGD"),
        ("ConvolutionParameter", "dilation", 18, None),
        ("DataParameter", "prefetch", 10, 4),
        ("PoolingParameter", "round_mode", 13, 0),
        ("BatchNormParameter", "eps", 3, 1e-5),
        ("SPPParameter", "engine", 6, 0),
        ("Datum", "encoded", 7, False),
    ],
)
def test_fields_are_caffes(message, field, number, default):
    found = caffe_pb2.DESCRIPTOR.message_types_by_name[message].fields_by_name[field]
    assert found.number == number
    if default is not None:
        assert found.default_value == (
            pytest.approx(default, rel=1e-7) if found.type == FieldDescriptor.TYPE_FLOAT else default
        )


def test_blob_data_are_packed():
    blob = caffe_pb2.BlobProto(data=[1.0, 2.0])
    assert blob.SerializeToString() == b"\x2a\x08\x00\x00\x80\x3f\x00\x00\x00\x40"
    assert caffe_pb2.Datum(float_data=[1.0]).SerializeToString() == b"\x35\x00\x00\x80\x3f"  # and these are not


def test_clip_needs_both_its_bounds():
    with pytest.raises(EncodeError):
        caffe_pb2.ClipParameter(min=0).SerializeToString()


def test_messages_work_as_they_did_in_scripts():
    net = caffe_pb2.NetParameter()
    text_format.Merge('name: "n" layer { type: "ReLU" relu_param { negative_slope: 0.1 } }', net)
    net.layer.add(type="Pooling").pooling_param.pool = caffe_pb2.PoolingParameter.AVE
    copy = caffe_pb2.NetParameter.FromString(net.SerializeToString())
    assert copy == net
    assert str(copy).endswith('layer {\n  type: "Pooling"\n  pooling_param {\n    pool: AVE\n  }\n}\n')
