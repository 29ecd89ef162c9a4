"""Nets written in Python: names, in-place layers, options, and errors."""

import copy

import numpy as np
import pytest

import dgnam.caffe as caffe
from dgnam.caffe import layers as L
from dgnam.caffe import params as P
from dgnam.caffe.net_spec import Function, NetSpec, Top, assign_proto, param_name_dict, to_proto
from dgnam.caffe.proto import caffe_pb2


def data(shape=(2, 3, 8, 8)):
    return L.Input(shape={"dim": list(shape)})


def names(net):
    return [(layer.name, list(layer.bottom), list(layer.top)) for layer in net.layer]


def small_net():
    n = NetSpec()
    n.data = data()
    n.conv1 = L.Convolution(n.data, kernel_size=3, num_output=4, weight_filler={"type": "constant", "value": 0.5})
    n.relu1 = L.ReLU(n.conv1, in_place=True)
    n.pool1 = L.Pooling(n.relu1, kernel_size=2, stride=2, pool=P.Pooling.MAX)
    n.prob = L.Softmax(n.pool1)
    return n


def test_the_attributes_name_layers_and_tops():
    assert names(small_net().to_proto()) == [
        ("data", [], ["data"]),
        ("conv1", ["data"], ["conv1"]),
        ("relu1", ["conv1"], ["conv1"]),
        ("pool1", ["conv1"], ["pool1"]),
        ("prob", ["pool1"], ["prob"]),
    ]


def test_the_text():
    n = NetSpec()
    n.data = data((1, 2))
    n.ip = L.InnerProduct(n.data, num_output=3, param=[{"lr_mult": 1}, {"lr_mult": 2, "decay_mult": 0}])
    assert str(n.to_proto()) == (
        'layer {\n  name: "data"\n  type: "Input"\n  top: "data"\n'
        "  input_param {\n    shape {\n      dim: 1\n      dim: 2\n    }\n  }\n}\n"
        'layer {\n  name: "ip"\n  type: "InnerProduct"\n  bottom: "data"\n  top: "ip"\n'
        "  param {\n    lr_mult: 1\n  }\n  param {\n    lr_mult: 2\n    decay_mult: 0\n  }\n"
        "  inner_product_param {\n    num_output: 3\n  }\n}\n"
    )


def test_a_net_runs_from_the_text(tmp_path):
    (tmp_path / "net.prototxt").write_text(str(small_net().to_proto()))
    net = caffe.Net(str(tmp_path / "net.prototxt"), caffe.TEST)
    net.blobs["data"].data[...] = 1
    assert list(net.blobs) == ["data", "conv1", "pool1", "prob"]
    np.testing.assert_allclose(net.forward()["prob"], np.full((2, 4, 3, 3), 0.25))
    assert (net.blobs["pool1"].data == 13.5).all()


def test_names_that_nobody_gave_are_types_with_numbers():
    bottom = L.Convolution(L.Convolution(data()))
    assert names(L.Eltwise(bottom, L.ReLU(bottom, in_place=True)).to_proto()) == [
        ("Input1", [], ["Input1"]),
        ("Convolution1", ["Input1"], ["Convolution1"]),
        ("Convolution2", ["Convolution1"], ["Convolution2"]),
        ("ReLU1", ["Convolution2"], ["Convolution2"]),
        ("Eltwise1", ["Convolution2", "Convolution2"], ["Eltwise1"]),
    ]


def test_layers_come_before_those_that_need_them_and_once():
    first, second = data(), data()
    shared = L.Concat(first, second)
    net = to_proto(L.ReLU(shared), second, L.Sigmoid(shared))
    assert [layer.type for layer in net.layer] == ["Input", "Input", "Concat", "ReLU", "Sigmoid"]


def test_unnamed_bottoms_of_a_netspec_are_in_it():
    n = NetSpec()
    n.out = L.ReLU(L.Convolution(data()))
    assert [layer.name for layer in n.to_proto().layer] == ["Input1", "Convolution1", "out"]


def test_several_tops():
    n = NetSpec()
    n.data, n.label = L.Data(ntop=2, batch_size=4, backend=P.Data.LMDB, source="db")
    n.silence = L.Silence(n.label, ntop=0)
    net = n.to_proto()
    assert names(net) == [("data", [], ["data", "label"]), ("silence", ["label"], [])]
    assert net.layer[0].data_param.backend == caffe_pb2.DataParameter.LMDB


def test_an_unnamed_first_top_gives_the_layer_its_name():
    n = NetSpec()
    _, n.label = L.Data(ntop=2)
    assert names(n.to_proto()) == [("Data1", [], ["Data1", "label"])]


def test_layers_without_tops_are_functions():
    silence = L.Silence(data(), ntop=0)
    assert isinstance(silence, Function)
    assert names(to_proto(silence))[1] == ("Silence1", ["Input1"], [])


def test_name_is_the_layers_alone():
    n = NetSpec()
    n.conv = L.Convolution(data(), name="other")
    assert names(n.to_proto())[1] == ("other", ["Input1"], ["conv"])


def test_a_top_under_two_names_is_one_layer_with_the_later_name():
    n = NetSpec()
    n.first = data()
    n.second = n.first
    assert names(n.to_proto()) == [("second", [], ["second"])]


def test_options_go_where_they_belong():
    layer = L.Python(data(), module="m", layer="l", loss_weight=2, include={"phase": 0, "stage": "s"})
    python = layer.to_proto().layer[1]
    assert (python.python_param.module, python.python_param.layer) == ("m", "l")
    assert list(python.loss_weight) == [2]
    assert [(rule.phase, list(rule.stage)) for rule in python.include] == [(0, ["s"])]


def test_messages_of_all_layers_by_their_full_name():
    deconvolution = L.Deconvolution(data(), convolution_param={"num_output": 21, "kernel_size": [4, 2]})
    convolution_param = deconvolution.to_proto().layer[1].convolution_param
    assert (convolution_param.num_output, list(convolution_param.kernel_size)) == (21, [4, 2])
    loss = L.SoftmaxWithLoss(data(), data(), loss_param={"ignore_label": 255, "normalization": P.Loss.VALID})
    assert loss.to_proto().layer[2].loss_param.ignore_label == 255


def test_types_that_nobody_knows_are_written_too():
    assert L.MyOwn(data(), propagate_down=[True]).to_proto().layer[1].type == "MyOwn"


def test_the_function_of_a_top_can_be_asked():
    bottom = data()
    top = L.Convolution(bottom, kernel_size=3)
    assert isinstance(top, Top)
    assert (top.n, top.fn.type_name, top.fn.params) == (0, "Convolution", {"kernel_size": 3})
    assert (top.fn.ntop, top.fn.in_place) == (1, False)
    assert top.fn.inputs == (bottom,)
    assert top.fn.tops == (top,)


def test_tops_can_be_got_by_name_set_and_deleted():
    n = small_net()
    assert list(n.tops) == ["data", "conv1", "relu1", "pool1", "prob"]
    assert n["conv1"] is n.conv1 is n.tops["conv1"]
    n["a/b"] = L.ReLU(n.pool1)
    del n.prob
    del n["relu1"]
    assert [layer.name for layer in n.to_proto().layer] == ["data", "conv1", "ReLU1", "pool1", "a/b"]


def test_a_netspec_can_be_copied_and_asked_what_it_has():
    n = small_net()
    assert copy.deepcopy(n).to_proto() == n.to_proto()
    assert hasattr(n, "conv1")
    assert not hasattr(n, "conv2")


@pytest.mark.parametrize("error", [KeyError, AttributeError])
def test_a_missing_top(error):
    n = small_net()
    with pytest.raises(error, match=r"no top 'conv2'; it has, the closest first: conv1"):
        n.conv2  # noqa: B018
    with pytest.raises(error):
        del n.conv2


def test_bottoms_are_tops():
    with pytest.raises(TypeError, match=r"^Silence input 0 is not a Top \(type is <class 'tuple'>\)$"):
        L.Silence(L.DummyData(ntop=2), ntop=0)


def test_what_is_assigned_is_a_top():
    n = NetSpec()
    n.data = L.DummyData(ntop=2)
    with pytest.raises(TypeError, match=r"'data' is not a Top \(type is <class 'tuple'>\)"):
        n.to_proto()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kernelsize": 3}, "layer 'Convolution1': Convolution has no field 'kernelsize'; .*first: kernel_size"),
        ({"weight_filler": {"tipe": "x"}}, "FillerParameter has no field 'tipe'; .*first: type"),
        ({"convolution_params": {}}, "no field 'convolution_params'; .*first: convolution_param"),
    ],
)
def test_an_unknown_option(options, message):
    with pytest.raises(AttributeError, match=message):
        L.Convolution(data(), **options).to_proto()


@pytest.mark.parametrize("options", [{"num_output": "many"}, {"num_output": None}, {"pad": (1, 2)}])
def test_values_of_the_wrong_type(options):
    with pytest.raises(TypeError):
        L.Convolution(data(), **options).to_proto()


def test_assign_proto():
    layer = caffe_pb2.LayerParameter()
    assign_proto(layer, "name", "n")
    assign_proto(layer, "bottom", "one")
    assign_proto(layer, "bottom", ["two", "three"])
    assign_proto(layer, "param", [{"lr_mult": 1}, {"name": "w", "share_mode": caffe_pb2.ParamSpec.PERMISSIVE}])
    assign_proto(layer, "param", {"decay_mult": 0})
    assign_proto(layer, "convolution_param", {"pad": 2, "weight_filler": {"type": "xavier"}})
    assert layer == caffe_pb2.LayerParameter(
        name="n",
        bottom=["one", "two", "three"],
        param=[{"lr_mult": 1}, {"name": "w", "share_mode": 1}, {"decay_mult": 0}],
        convolution_param={"pad": [2], "weight_filler": {"type": "xavier"}},
    )


def test_param_name_dict():
    known = param_name_dict()
    assert known["InnerProduct"] == "inner_product"
    assert known["HDF5Data"] == "hdf5_data"
    assert known["Transformation"] == "transform"
    assert "Data" in known
    assert "SoftmaxWithLoss" not in known


def test_named_values():
    assert (P.Pooling.AVE, P.Eltwise.MAX, P.Filler.FAN_OUT) == (1, 2, 1)
    with pytest.raises(AttributeError, match=r"no value 'MAXIMUM'; its values: MAX, AVE, STOCHASTIC"):
        P.Pooling.MAXIMUM  # noqa: B018
    with pytest.raises(AttributeError, match="no 'Pulling'; it has, the closest first: Pooling"):
        P.Pulling.MAX  # noqa: B018
