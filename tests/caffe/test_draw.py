"""pycaffe's drawing: what is written on layers and edges, and which of them there are."""

import shutil
import sys

import pytest

from dgnam.caffe import TEST, TRAIN, draw
from dgnam.caffe.proto import caffe_pb2, parse_net
from dgnam.errors import CaffeError, MissingPackageError

NET = """
name: "small"
layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TRAIN } data_param { batch_size: 32 } }
layer { name: "test data" type: "Input" top: "data" include { phase: TEST } }
layer {
  name: "conv" type: "Convolution" bottom: "data" top: "conv" param { lr_mult: 1 } param { lr_mult: 2 }
  convolution_param { num_output: 20 kernel_size: 5 stride: 2 pad: 1 }
}
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool" pooling_param { pool: AVE kernel_size: 3 stride: 2 } }
layer { name: "ip" type: "InnerProduct" bottom: "pool" top: "ip" inner_product_param { num_output: 10 } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" exclude { phase: TEST } }
"""


@pytest.fixture
def net():
    return parse_net(NET)


def layer(net, name):
    return next(layer for layer in net.layer if layer.name == name)


def graph(*args, **options):
    pytest.importorskip("pydot", reason="pydot is not installed")
    return draw.get_pydot_graph(*args, **options)


def bare(text):
    return text.strip('"')


def names(drawn):
    return [bare(node.get_name()) for node in drawn.get_node_list()]


def test_labels_say_name_type_and_geometry(net):
    assert draw.get_layer_label(layer(net, "conv"), "LR") == r'"conv\n(Convolution)\nkernel size: 5\nstride: 2\npad: 1"'
    assert draw.get_layer_label(layer(net, "pool"), "TB") == '"pool (Pooling AVE) kernel size: 3 stride: 2 pad: 0"'
    assert draw.get_layer_label(layer(net, "relu"), "BT") == '"relu (ReLU)"'
    bare = caffe_pb2.LayerParameter(name="up", type="Deconvolution")
    assert draw.get_layer_label(bare, "TB") == '"up (Deconvolution) kernel size: 1 stride: 1 pad: 0"'


def test_labels_say_learning_rate_multipliers_if_asked(net):
    assert draw.get_layer_label(layer(net, "conv"), "TB", display_lrm=True).endswith(' pad: 1 lr mult: 1.0, 2.0"')
    assert draw.get_layer_label(layer(net, "ip"), "TB", True) == '"ip (InnerProduct) lr mult: 1.0, 1.0"'
    frozen = caffe_pb2.LayerParameter(name="ip", type="InnerProduct", param=[caffe_pb2.ParamSpec(lr_mult=0)] * 2)
    assert draw.get_layer_label(frozen, "TB", True) == '"ip (InnerProduct)"'


def test_learning_rate_multipliers_are_those_of_layers_that_learn(net):
    one = caffe_pb2.LayerParameter(type="InnerProduct", param=[caffe_pb2.ParamSpec(lr_mult=3)])
    assert draw.get_layer_lr_mult(one) == (3, 1)
    with pytest.raises(ValueError, match="'relu' is of type ReLU"):
        draw.get_layer_lr_mult(layer(net, "relu"))
    with pytest.raises(ValueError, match="at most 2"):
        draw.get_layer_lr_mult(caffe_pb2.LayerParameter(type="InnerProduct", param=[caffe_pb2.ParamSpec()] * 3))


def test_edges_say_how_much_comes_along_them(net):
    labels = {name: draw.get_edge_label(layer(net, name)) for name in ("data", "conv", "ip", "pool")}
    assert labels == {"data": "Batch 32", "conv": "20", "ip": "10", "pool": '""'}


def test_pooling_types_and_colors():
    assert draw.get_pooling_types_dict() == {0: "MAX", 1: "AVE", 2: "STOCHASTIC"}
    kinds = ("Convolution", "Deconvolution", "Pooling", "InnerProduct", "ReLU")
    colors = [draw.choose_color_by_layertype(kind) for kind in kinds]
    assert colors == ["#FF5050", "#FF5050", "#FF9900", "#CC33FF", "#6495ED"]


def test_the_graph_has_a_node_for_each_layer_and_blob(net):
    drawn = graph(net, "TB")
    assert drawn.get_name() == "small"
    assert drawn.get_rankdir() == "TB"
    labels = [draw.get_layer_label(each, "TB").strip('"') for each in net.layer]
    assert sorted(names(drawn)) == sorted([*labels, "data", "label", "conv", "pool", "ip", "loss"])
    edges = {(bare(e.get_source()), bare(e.get_destination())): bare(e.get_label()) for e in drawn.get_edge_list()}
    assert len(edges) == 14
    assert edges["relu (ReLU)", "conv"] == edges["conv", "relu (ReLU)"] == ""
    assert edges["ip (InnerProduct)", "ip"] == "10"
    assert edges["data (Data)", "label"] == "Batch 32"
    unlabeled = graph(net, "TB", label_edges=False).get_edge_list()
    assert {bare(edge.get_label()) for edge in unlabeled} == {""}


def test_layers_in_place_have_a_color_of_their_own(net):
    nodes = {bare(node.get_name()): node for node in graph(net, "TB").get_node_list()}
    assert bare(nodes["relu (ReLU)"].get_fillcolor()) == "#90EE90"
    assert bare(nodes["ip (InnerProduct)"].get_fillcolor()) == "#CC33FF"
    assert bare(nodes["loss (SoftmaxWithLoss)"].get_fillcolor()) == "#6495ED"  # not that of the layer before it


def test_a_phase_has_its_own_layers(net):
    assert "data (Data)" in names(graph(net, "TB", phase=TRAIN))
    assert "test data (Input)" not in names(graph(net, "TB", phase=TRAIN))
    test = names(graph(net, "TB", phase=TEST))
    assert {"data (Data)", "loss (SoftmaxWithLoss)", "label"}.isdisjoint(test)
    assert {"test data (Input)", "ip (InnerProduct)"} <= set(test)
    layer(net, "data").exclude.add(phase=TEST)
    graph(net, "TB")
    with pytest.raises(CaffeError, match="'data' has both include and exclude"):
        graph(net, "TB", phase=TEST)


def test_a_file_s_name_says_the_format(net, tmp_path):
    pytest.importorskip("pydot", reason="pydot is not installed")
    draw.draw_net_to_file(net, tmp_path / "net.raw", "LR", TEST, True)
    text = (tmp_path / "net.raw").read_text()
    assert text.startswith("digraph small")
    assert "lr mult" in text


def test_pictures_are_graphviz_s(net, tmp_path):
    pytest.importorskip("pydot", reason="pydot is not installed")
    if shutil.which("dot") is None:
        pytest.skip("Graphviz's dot is not installed")
    assert draw.draw_net(net, "LR").startswith(b"\x89PNG")
    draw.draw_net_to_file(net, str(tmp_path / "net.svg"))
    assert b"<svg" in (tmp_path / "net.svg").read_bytes()


def test_a_missing_package_is_named(net, monkeypatch):
    monkeypatch.setitem(sys.modules, "pydot", None)
    with pytest.raises(ImportError, match="pip install pydot"):
        draw.draw_net(net, "LR")


def test_a_missing_program_is_named(net, monkeypatch):
    pytest.importorskip("pydot", reason="pydot is not installed")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MissingPackageError, match="graphviz"):
        draw.draw_net(net, "LR")
