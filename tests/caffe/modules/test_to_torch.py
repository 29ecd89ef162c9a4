"""A net as a plain torch module: the eager net's numbers, named layers, and what torch's users do with a module."""

import copy
import io
import pickle
import weakref

import h5py
import numpy as np
import pytest
import torch
from torch import nn

from dgnam.caffe import TRAIN, CaffeError, Net, read_net, read_weights, to_torch
from dgnam.caffe.layer import layer_type_list
from dgnam.caffe.modules.to_torch import TorchNet
from dgnam.caffe.proto import parse_net, pb, to_text, write_hdf5_weights
from tests import toy
from tests.caffe.golden import GOLDEN, ROOT, error

TEXT = """
name: "net"
force_backward: true
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 dim: 8 dim: 8 } } }
layer { name: "conv.1" type: "Convolution" bottom: "data" top: "conv1"
  convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "msra" } } }
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
layer { name: "branch/a" type: "InnerProduct" bottom: "conv1" top: "a" param { name: "w" } param { name: "b" }
  inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
layer { name: "branch/b" type: "InnerProduct" bottom: "conv1" top: "b" param { name: "w" } param { name: "b" }
  inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
layer { name: "type" type: "Dropout" bottom: "b" top: "b" }
layer { name: "sum" type: "Eltwise" bottom: "a" bottom: "b" top: "sum" }
"""
FORWARD = 1e-5

with h5py.File(GOLDEN / "layers.h5") as _file:
    CASES = [
        case
        for case in sorted(_file)
        if {layer.type for layer in parse_net(_file[case].attrs["prototxt"]).layer} <= set(layer_type_list())
    ]


@pytest.fixture
def net() -> TorchNet:
    return to_torch(parse_net(TEXT, "test"), seed=1)


def images(count: int) -> torch.Tensor:
    return torch.randn(count, 3, 8, 8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("case", CASES)
def test_every_recorded_layer_gives_real_caffes_tops(case):
    with h5py.File(GOLDEN / "layers.h5") as file:
        group = file[case]
        weights = {layer: [b[str(i)][()] for i in range(len(b))] for layer, b in group.get("params", {}).items()}
        net = to_torch(parse_net(group.attrs["prototxt"], case), weights)
        tops = net(**{name: torch.from_numpy(group["inputs"][name][()]) for name in net.input_names})
        tops = {net.output_names[0]: tops} if isinstance(tops, torch.Tensor) else tops
        assert list(tops) == list(group.attrs["outputs"])
        for name, top in tops.items():
            assert error(top.detach(), group["blobs"][name][()]) <= FORWARD, name


def test_gradients_are_the_eager_nets(net, tmp_path):
    eager = Net(parse_net(TEXT, "test"), pb.TEST)
    for child, layer in (("conv_1", "conv.1"), ("branch/a", "branch/a")):
        for name, blob in zip(("weight", "bias"), eager.params[layer], strict=True):
            blob.data[...] = getattr(net.get_submodule(child), name).detach()
    x = images(2).requires_grad_()
    top = net(x)
    diff = torch.randn(top.shape, generator=torch.Generator().manual_seed(1))
    top.backward(diff)
    eager.forward(data=x.detach().numpy())
    eager.backward(sum=diff.numpy())
    assert error(top.detach(), eager.blobs["sum"].data) <= FORWARD
    assert error(x.grad, eager.blobs["data"].diff) <= FORWARD
    for child, layer in (("conv_1", "conv.1"), ("branch/a", "branch/a")):
        for name, blob in zip(("weight", "bias"), eager.params[layer], strict=True):
            assert error(getattr(net.get_submodule(child), name).grad, blob.diff) <= FORWARD, f"{layer} {name}"


def test_children_are_the_prototxts_layers_and_hooks_see_their_tops(net):
    assert [name for name, _ in net.named_children()] == ["conv_1", "relu1", "branch/a", "branch/b", "type_", "sum"]
    assert net.conv_1.caffe_name == "conv.1"
    assert "(conv_1): Convolution(data -> conv1)" in repr(net)
    seen = {}
    for name, child in net.named_children():
        child.register_forward_hook(lambda _, bottoms, top, name=name: seen.update({name: top}))
    scores = net(images(5))
    assert seen["conv_1"].shape == (5, 4, 6, 6)
    assert seen["conv_1"].min() < 0  # the ReLU that follows in place does not change it
    assert torch.equal(seen["relu1"], seen["conv_1"].clamp(min=0))
    assert torch.equal(seen["sum"], scores)


def test_a_hook_that_returns_a_tensor_replaces_the_top(net):
    with net.get_submodule("branch/a").register_forward_hook(lambda *_: torch.zeros(2, 5)):
        half = net(images(2))
    torch.testing.assert_close(net(images(2)), 2 * half)


def test_state_dict_has_torchs_names_and_shared_parameters_are_one(net):
    keys = ["conv_1.weight", "conv_1.bias", "branch/a.weight", "branch/a.bias", "branch/b.weight", "branch/b.bias"]
    assert list(net.state_dict()) == keys
    assert net.get_submodule("branch/a").weight is net.get_submodule("branch/b").weight
    assert len(list(net.parameters())) == 4
    other = to_torch(parse_net(TEXT, "test"), seed=2)
    assert not torch.equal(other(images(2)), net(images(2)))
    other.load_state_dict(net.state_dict())
    assert torch.equal(other(images(2)), net(images(2)))


def copied_by_torch(net: nn.Module) -> nn.Module:
    file = io.BytesIO()
    torch.save(net, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


@pytest.mark.parametrize("how", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net)), copied_by_torch])
def test_copies_compute_the_same_and_are_independent(net, how):
    net(images(1))
    before = net(images(3))
    other = how(net)
    assert torch.equal(other(images(3)), before)
    nn.init.zeros_(other.get_submodule("branch/a").weight)
    assert other.get_submodule("branch/b").weight.abs().max() == 0  # still one
    assert torch.equal(net(images(3)), before)


@pytest.mark.parametrize(("dtype", "most"), [(torch.float64, 1e-6), (torch.float16, 1e-2), (torch.bfloat16, 1e-1)])
def test_other_precisions_run_all_of_a_classifier(dtype, most):
    net = to_torch(ROOT / "prototxt/caffenet-mini/deploy.prototxt", ROOT / "models/caffenet-mini/weights.h5")
    x = 100 * torch.randn(2, 3, 56, 56, generator=torch.Generator().manual_seed(0))
    exact = net(x)
    scores = net.to(dtype)(x.to(dtype))
    assert scores.dtype == dtype
    assert error(scores.detach().float(), exact.detach()) <= most


def test_lrn_in_half_precision_bears_values_whose_squares_it_does_not():
    net = to_torch(
        parse_net(
            'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 dim: 5 dim: 2 dim: 2 } } }'
            'layer { name: "norm" type: "LRN" bottom: "x" top: "y" }'
        )
    )
    x = torch.full((1, 5, 2, 2), 1000.0)
    assert error(net(x.half()).float(), net(x)) <= 1e-3


def test_weights_come_from_a_file_or_as_arrays(tmp_path):
    folder = ROOT / "models/caffenet-mini/weights.h5"
    prototxt = ROOT / "prototxt/caffenet-mini/deploy.prototxt"
    x = torch.randn(1, 3, 56, 56, generator=torch.Generator().manual_seed(0))
    scores = to_torch(prototxt, folder)(x)
    assert torch.equal(to_torch(read_net(prototxt), read_weights(folder))(x), scores)
    eager = Net(prototxt, pb.TEST, weights=folder)
    assert error(scores.detach(), eager.forward(data=x.numpy())["prob"]) <= FORWARD


def test_the_batch_is_free_where_a_reshape_writes_it_out():
    definition = read_net(ROOT / "prototxt/deepsim-fc6-mini/deploy.prototxt")
    for layer in definition.layer:
        if layer.type == "Reshape":
            layer.reshape_param.shape.dim[0] = 1  # as the published generators have it
    net = to_torch(definition, ROOT / "models/deepsim-fc6-mini/weights.h5")
    (_, *code), codes = net.input_shapes[0], torch.rand(3, *net.input_shapes[0][1:])
    images = net(codes)
    assert images.shape == (3, 3, 64, 64)
    torch.testing.assert_close(images[1:2], net(codes[1].view(1, *code)), rtol=1e-4, atol=1e-3)


def test_outputs_choose_blobs_and_leave_out_what_they_do_not_need(net):
    two = to_torch(parse_net(TEXT, "test"), seed=1, outputs=["conv1", "a"])
    assert [name for name, _ in two.named_children()] == ["conv_1", "relu1", "branch/a"]
    blobs = two(images(2))
    assert list(blobs) == ["conv1", "a"]
    assert blobs["conv1"].min() == 0  # as the ReLU in place left it
    torch.testing.assert_close(2 * blobs["a"], net(images(2)))
    with pytest.raises(CaffeError, match="has no blob 'fc'; its blobs, the closest first"):
        to_torch(parse_net(TEXT, "test"), outputs=["fc"])


def test_several_inputs_are_given_in_order_or_by_name():
    net = to_torch(parse_net(toy.DISCRIMINATOR, "test"))
    x, code = torch.rand(2, 3, 16, 16), torch.rand(2, 10)
    assert net.input_names == ["data", "feat"]
    assert net.input_shapes == [(1, 3, 16, 16), (1, 10)]
    scores = net(x, code)
    assert torch.equal(net(feat=code, data=x), scores)
    assert torch.equal(net(x, feat=code), scores)
    for wrong in ({"data": x}, {"data": x, "feat": code, "other": x}):
        with pytest.raises(CaffeError, match=r"takes the inputs \['data', 'feat'\]; got 0 in order and"):
            net(**wrong)
    with pytest.raises(CaffeError, match="got 3 in order"):
        net(x, code, code)


def test_data_layers_become_inputs_and_the_net_learns():
    net = to_torch(parse_net(toy.TRAIN_VAL, "test"), phase=TRAIN)
    assert net.training
    assert net.input_names == ["data", "label"]
    assert net.input_shapes == [(16, 3, 12, 12), (16,)]
    x, labels = torch.rand(6, 3, 12, 12), torch.arange(6.0)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        loss = net(x, labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.3 * losses[0]
    assert to_torch(parse_net(toy.TRAIN_VAL, "test"), outputs=["fc"])(x).shape == (6, 6)


DATA = {
    'type: "Data" data_param { batch_size: 4 } transform_param { crop_size: 9 }': (4, 3, 9, 9),
    'type: "Data" data_param { batch_size: 4 } transform_param { crop_size: 9 force_gray: true }': (4, 1, 9, 9),
    'type: "ImageData" image_data_param { batch_size: 2 new_height: 5 new_width: 6 }': (2, 3, 5, 6),
    'type: "ImageData" image_data_param { new_height: 5 new_width: 6 is_color: false }': (1, 1, 5, 6),
    'type: "MemoryData" memory_data_param { batch_size: 2 channels: 7 height: 3 width: 4 }': (2, 7, 3, 4),
    'type: "WindowData" window_data_param { batch_size: 2 } transform_param { crop_size: 5 }': (2, 3, 5, 5),
    'type: "DummyData" dummy_data_param { num: 2 channels: 3 height: 4 width: 5 }': (2, 3, 4, 5),
    'type: "DummyData" dummy_data_param { shape { dim: 2 dim: 3 } }': (2, 3),
}


@pytest.mark.parametrize("text", DATA)
def test_a_data_layers_options_tell_its_shape(text):
    net = to_torch(
        parse_net(f'layer {{ name: "d" top: "x" {text} }} layer {{ name: "r" type: "ReLU" bottom: "x" top: "y" }}')
    )
    assert net.input_shapes == [DATA[text]]


def test_where_the_options_do_not_tell_it_the_caller_does():
    text = """layer { name: "d" type: "HDF5Data" top: "x" top: "t" hdf5_data_param { source: "x.txt" batch_size: 2 } }
              layer { name: "fc" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 2 } }
              layer { name: "loss" type: "EuclideanLoss" bottom: "y" bottom: "t" top: "loss" }"""
    with pytest.raises(CaffeError, match=r"layer 'd' \(HDF5Data\): its options don't determine the shapes of its tops"):
        to_torch(parse_net(text, "test"))
    net = to_torch(parse_net(text, "test"), input_shapes={"x": (2, 4), "t": (2, 2)})
    assert net.fc.weight.shape == (2, 4)
    with pytest.raises(CaffeError, match=r"input_shapes names \['z'\]; its inputs are \['t', 'x'\]"):
        to_torch(parse_net(text, "test"), input_shapes={"z": (1,)})


def test_train_and_eval_switch_dropout_and_batch_statistics():
    net = to_torch(parse_net(toy.TRAIN_VAL, "test"), phase=TRAIN, outputs=["fc"])
    bn = net.get_submodule("conv1/bn")
    assert [name for name, _ in bn.named_buffers()] == ["mean", "variance", "scale_factor"]
    x = torch.rand(4, 3, 12, 12)
    torch.manual_seed(0)
    first, second = net(x), net(x)
    assert not torch.equal(first, second)
    assert bn.scale_factor.item() == pytest.approx(1.8)  # 1 after the first pass, then 0.8 * 1 + 1
    torch.manual_seed(0)
    assert torch.equal(net(x), first)
    net.eval()
    assert torch.equal(net(x), net(x))
    assert bn.scale_factor.item() == pytest.approx(0.8 * 1.8 + 1)


def test_without_gradients_a_blob_goes_when_nothing_needs_it_any_more(net):
    blobs = []
    net.relu1.register_forward_hook(lambda _, bottoms, top: blobs.append(weakref.ref(top)))
    alive = []
    net.sum.register_forward_pre_hook(lambda *_: alive.append(blobs[0]() is not None))
    with torch.no_grad():
        net(images(1))
    assert alive == [False]


def test_it_can_be_exported_as_a_graph_and_traced(net):
    graph = torch.export.export(net, (images(2),), dynamic_shapes=(({0: torch.export.Dim("n")},),), strict=False)
    torch.testing.assert_close(graph.module()(images(7)), net(images(7)))


def test_layers_with_other_blobs_have_names_for_them():
    text = """layer { name: "x" type: "Input" top: "x" top: "cont" top: "s"
                input_param { shape { dim: 2 dim: 1 dim: 3 } shape { dim: 2 dim: 1 } shape { dim: 1 dim: 4 } } }
              layer { name: "lstm" type: "LSTM" bottom: "x" bottom: "cont" bottom: "s" top: "h"
                recurrent_param { num_output: 5 } }
              layer { name: "bias" type: "Bias" bottom: "h" top: "hb" bias_param { axis: 2 } }"""
    net = to_torch(parse_net(text, "test"))
    shapes = {name: tuple(value.shape) for name, value in net.state_dict().items()}
    assert shapes == {
        "lstm.weight_x": (20, 3),
        "lstm.bias": (20,),
        "lstm.weight_static": (20, 4),
        "lstm.weight_hidden": (20, 5),
        "bias.bias": (5,),
    }


def test_weights_of_other_shapes_are_an_error_and_other_layers_are_passed_over(tmp_path):
    path = tmp_path / "weights.h5"
    write_hdf5_weights(path, {"conv.1": [np.ones((4, 3, 3, 3), np.float32), np.full(4, 2, np.float32)], "x": []})
    net = to_torch(parse_net(TEXT, "test"), path)
    assert (net.conv_1.bias == 2).all()
    assert net.get_submodule("branch/a").weight.abs().max() > 0
    with pytest.raises(CaffeError, match=r"layer 'conv\.1', parameter 0: the net's shape is \(4, 3, 3, 3\)"):
        to_torch(parse_net(TEXT, "test"), {"conv.1": [np.ones((4, 3, 5, 5)), np.ones(4)]})


def test_layers_may_share_a_name_or_have_none_where_they_have_no_parameters():
    text = """
    layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
    layer { name: "a" type: "Power" bottom: "x" top: "y" power_param { shift: 1 } }
    layer { name: "a" type: "Power" bottom: "y" top: "z" power_param { scale: 2 } }
    layer { type: "AbsVal" bottom: "z" top: "out" }"""
    net = to_torch(parse_net(text, "test"))
    assert torch.equal(net(torch.full((1, 3), -3.0)), torch.full((1, 3), 4.0))
    assert [name for name, _ in net.named_children()] == ["a", "a_", "_"]
    learning = text.replace('"Power"', '"InnerProduct" inner_product_param { num_output: 3 }')
    with pytest.raises(CaffeError, match="2 layers with parameters are named 'a'"):
        to_torch(parse_net(learning, "test"))


def test_a_prototxt_is_read_from_its_file(tmp_path):
    path = tmp_path / "net.prototxt"
    path.write_text(to_text(parse_net(TEXT, "test")))
    assert torch.equal(to_torch(str(path), seed=1)(images(2)), to_torch(parse_net(TEXT, "test"), seed=1)(images(2)))
