"""Nets as ONNX files: onnxruntime gives the torch module's outputs at any batch size; what can't be is an error."""

import importlib.util

import numpy as np
import pytest
import torch

from dgnam.caffe import CaffeError, read_net, to_onnx, to_torch
from dgnam.caffe.modules.to_torch import TorchLayer, TorchNet
from dgnam.caffe.proto import parse_net
from dgnam.errors import MissingPackageError
from tests.caffe.golden import ROOT, error, stand_in_weights

onnxruntime = pytest.importorskip("onnxruntime", reason="needs onnxruntime, of the extra 'onnx'")
pytest.importorskip("onnxscript", reason="needs onnxscript, of the extra 'onnx'")

RELATIVE = 1e-5
INPUT = 'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 dim: 4 dim: 7 dim: 6 } } }'
LAYERS = {
    "ceil pooling": 'type: "Pooling" pooling_param { kernel_size: 2 stride: 2 }',
    "pooling whose last window is dropped": 'type: "Pooling" pooling_param { kernel_size: 3 stride: 2 pad: 1 }',
    "mean pooling": 'type: "Pooling" pooling_param { pool: AVE kernel_size: 3 stride: 2 }',
    "mean pooling, padded": 'type: "Pooling" pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 }',
    "global pooling": 'type: "Pooling" pooling_param { pool: AVE global_pooling: true }',
    "floor pooling": 'type: "Pooling" pooling_param { kernel_size: 3 stride: 2 round_mode: FLOOR }',
    "lrn": 'type: "LRN" lrn_param { local_size: 3 alpha: 0.5 }',
    "lrn within": 'type: "LRN" lrn_param { local_size: 3 alpha: 0.5 norm_region: WITHIN_CHANNEL }',
    "deconvolution": """type: "Deconvolution"
        convolution_param { num_output: 6 kernel_size: 4 stride: 2 pad: 1 group: 2 weight_filler { type: "msra" } }""",
    "dilated convolution": """type: "Convolution"
        convolution_param { num_output: 2 kernel_size: 3 dilation: 2 weight_filler { type: "msra" } }""",
    "inner product": 'type: "InnerProduct" inner_product_param { num_output: 3 weight_filler { type: "xavier" } }',
    "batch norm": 'type: "BatchNorm"',
    "scale": 'type: "Scale" scale_param { bias_term: true filler { type: "msra" } }',
    "power": 'type: "Power" power_param { power: 2 scale: 0.5 shift: 1 }',
    "prelu": 'type: "PReLU"',
    "elu": 'type: "ELU"',
    "softmax": 'type: "Softmax"',
    "reshape": 'type: "Reshape" reshape_param { shape { dim: 1 dim: 2 dim: -1 dim: 6 } }',
    "flatten": 'type: "Flatten"',
    "dropout": 'type: "Dropout"',
    "spp": 'type: "SPP" spp_param { pyramid_height: 3 }',
    "argmax": 'type: "ArgMax" argmax_param { axis: 1 out_max_val: true }',
    "embed": 'type: "Embed" embed_param { input_dim: 3 num_output: 2 weight_filler { type: "xavier" } }',
    "mvn": 'type: "MVN"',
    "tile": 'type: "Tile" tile_param { tiles: 2 }',
    "reduction": 'type: "Reduction" reduction_param { axis: 1 operation: SUMSQ }',
    "leaky relu": 'type: "ReLU" relu_param { negative_slope: 0.1 }',
}
SEVERAL = """
layer { name: "half" type: "Slice" bottom: "x" top: "a" top: "b" slice_param { axis: 1 } }
layer { name: "a/relu" type: "ReLU" bottom: "a" top: "a" }
layer { name: "up" type: "Deconvolution" bottom: "b" top: "up"
  convolution_param { num_output: 2 kernel_size: 3 weight_filler { type: "msra" } } }
layer { name: "cut" type: "Crop" bottom: "up" bottom: "b" top: "cut" crop_param { axis: 2 offset: 1 } }
layer { name: "product" type: "Eltwise" bottom: "a" bottom: "cut" top: "product" eltwise_param { operation: PROD } }
layer { name: "most" type: "Eltwise" bottom: "a" bottom: "cut" top: "most" eltwise_param { operation: MAX } }
layer { name: "join" type: "Concat" bottom: "product" bottom: "most" bottom: "x" top: "join" }
layer { name: "scores" type: "Softmax" bottom: "join" top: "scores" }
layer { name: "more" type: "Power" bottom: "join" top: "more" power_param { shift: 1 } }
"""


def draw(net: TorchNet, batch: int, axis: int = 0) -> list[torch.Tensor]:
    """Inputs for every net: whole numbers from 0 to 2, of which an Embed layer makes something too."""
    generator = torch.Generator().manual_seed(batch)
    shapes = [[batch if i == axis else n for i, n in enumerate(shape)] for shape in net.input_shapes]
    return [torch.randint(3, shape, generator=generator).float() for shape in shapes]


def check(net: TorchNet, path, batches=(1, 3), axis: int = 0, inputs=draw) -> None:
    """Every output of the file by onnxruntime is the module's, and its size follows the batch."""
    session = onnxruntime.InferenceSession(path)
    assert [i.name for i in session.get_inputs()] == net.input_names
    assert [o.name for o in session.get_outputs()] == net.output_names
    for batch in batches:
        given = inputs(net, batch, axis)
        with torch.no_grad():
            ours = net.eval()(*given)
        ours = [ours] if isinstance(ours, torch.Tensor) else list(ours.values())
        theirs = session.run(None, {n: x.numpy() for n, x in zip(net.input_names, given, strict=True)})
        for name, a, b in zip(net.output_names, ours, theirs, strict=True):
            assert np.abs(a.numpy()).max() > 0, name
            assert error(b, a) <= RELATIVE, f"{name}, batch {batch}"


@pytest.fixture(scope="module")
def layers(tmp_path_factory):
    """All of `LAYERS` in one net, each on the input, which takes a fraction of the time of a net for each."""
    text = "".join(f'layer {{ name: "{k}" bottom: "x" top: "{k}" {layer} }}' for k, layer in enumerate(LAYERS.values()))
    net = to_torch(parse_net(INPUT + text, "test"))
    for name, buffer in net.named_buffers():
        buffer.fill_({"mean": 0.5, "variance": 2.0, "scale_factor": 1.0}[name.partition(".")[2]])
    path = tmp_path_factory.mktemp("onnx") / "layers.onnx"
    to_onnx(net, path)
    return net, onnxruntime.InferenceSession(path)


@pytest.mark.parametrize("what", LAYERS)
def test_layer(what, layers):
    net, session = layers
    name = str(list(LAYERS).index(what))
    for batch in (1, 3):
        (x,) = draw(net, batch)
        ours, (theirs,) = net(x)[name].detach(), session.run([name], {"x": x.numpy()})
        assert np.abs(theirs).max() > 0
        assert error(theirs, ours) <= RELATIVE, f"batch {batch}"


def test_several_layers_inputs_and_outputs(tmp_path):
    net = to_torch(parse_net(INPUT + SEVERAL, "test"))
    assert net.output_names == ["more", "scores"]
    to_onnx(net.train(), str(tmp_path / "net.onnx"))
    assert net.training
    check(net, tmp_path / "net.onnx")
    assert [file.name for file in tmp_path.iterdir()] == ["net.onnx"]


@pytest.mark.parametrize("kind", ["RNN", "LSTM"])
def test_recurrent_layers_have_their_streams_on_axis_1(kind, tmp_path):
    text = f"""layer {{ name: "in" type: "Input" top: "x" top: "cont"
                 input_param {{ shape {{ dim: 3 dim: 1 dim: 4 }} shape {{ dim: 3 dim: 1 }} }} }}
               layer {{ name: "r" type: "{kind}" bottom: "x" bottom: "cont" top: "h"
                 recurrent_param {{ num_output: 5 weight_filler {{ type: "xavier" }} }} }}"""
    net = to_torch(parse_net(text, "test"))
    to_onnx(net, tmp_path / "net.onnx", batch_axis=1)
    check(net, tmp_path / "net.onnx", axis=1)


def test_an_input_without_a_batch_is_fixed(tmp_path):
    text = (
        INPUT
        + """layer { name: "s" type: "Input" top: "s" input_param { shape { dim: 4 } } }
                      layer { name: "l" type: "Scale" bottom: "x" bottom: "s" top: "y" }"""
    )
    net = to_torch(parse_net(text, "test"))
    to_onnx(net, tmp_path / "net.onnx", batch_axis={"s": None})
    x, s = torch.rand(3, 4, 7, 6), torch.rand(4)
    (y,) = onnxruntime.InferenceSession(tmp_path / "net.onnx").run(None, {"x": x.numpy(), "s": s.numpy()})
    assert error(y, net(x, s)) <= RELATIVE
    with pytest.raises(CaffeError, match="batch_axis names 't'; the net's inputs are x, s"):
        to_onnx(net, tmp_path / "net.onnx", batch_axis={"t": None})
    with pytest.raises(CaffeError, match=r"batch_axis 4 is not an axis of the input 'x' of shape \(1, 4, 7, 6\)"):
        to_onnx(net, tmp_path / "net.onnx", batch_axis=4)


@pytest.mark.parametrize(
    ("layer", "kind"),
    [
        ('type: "ArgMax" bottom: "r" top: "y" argmax_param { top_k: 2 }', "ArgMax"),
        ('type: "SoftmaxWithLoss" bottom: "r" bottom: "t" top: "y"', "SoftmaxWithLoss"),
        ('type: "Accuracy" bottom: "r" bottom: "t" top: "y"', "Accuracy"),
    ],
)
def test_a_layer_that_onnx_lacks_is_an_error_that_names_it(layer, kind, tmp_path, capfd):
    text = f"""layer {{ name: "in" type: "Input" top: "x" top: "t"
                 input_param {{ shape {{ dim: 2 dim: 5 }} shape {{ dim: 2 }} }} }}
               layer {{ name: "r" type: "ReLU" bottom: "x" top: "r" }} layer {{ name: "the one" {layer} }}"""
    with pytest.raises(CaffeError, match=rf"layer 'the one' \({kind}\): can't be written as ONNX"):
        to_onnx(to_torch(parse_net(text, "test")), tmp_path / "net.onnx")
    assert "def forward" not in capfd.readouterr().err
    assert not (tmp_path / "net.onnx").exists()


def test_a_missing_package_is_an_error_that_says_what_to_install(monkeypatch, tmp_path):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "onnxscript" else find(name))
    with pytest.raises(MissingPackageError, match=r"to_onnx needs onnxscript: pip install 'dgnam\[onnx\]'"):
        to_onnx(to_torch(parse_net(INPUT, "test"), outputs=["x"]), tmp_path / "net.onnx")


def smooth(net: TorchNet, batch: int, axis: int = 0) -> list[torch.Tensor]:
    weights, shape = stand_in_weights(), (batch, *net.input_shapes[0][1:])
    return [
        torch.from_numpy(weights.image("x", shape) if len(shape) == 4 and shape[1] == 3 else weights.code("x", shape))
    ]


@pytest.mark.parametrize("name", ["caffenet-mini", "deepsim-fc6-mini"])
def test_the_small_models_with_their_weights(name, tmp_path):
    net = to_torch(ROOT / f"prototxt/{name}/deploy.prototxt", ROOT / f"models/{name}/weights.h5")
    to_onnx(net, tmp_path / "net.onnx")
    check(net, tmp_path / "net.onnx", inputs=smooth)


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", ["squeezenet", "googlenet", "resnet50", "lrcn-single-frame", "deepsim-fc6"])
def test_the_full_size_nets_with_stand_in_weights(name, tmp_path):
    net = to_torch(without_fillers(ROOT / f"prototxt/{name}/deploy.prototxt"))
    for layer in net.children():
        assert isinstance(layer, TorchLayer)
        for i, blob in enumerate(layer.params()):
            values = stand_in_weights().param_blob(layer.caffe_name, layer.layer.type, i, tuple(blob.shape))
            blob.data.copy_(torch.from_numpy(values))
    to_onnx(net, tmp_path / "net.onnx")
    check(net, tmp_path / "net.onnx", batches=(1, 2), inputs=smooth)


def without_fillers(path):
    """The definition, filled with zeros, which takes no time."""
    definition = read_net(path)
    for layer in definition.layer:
        layer.convolution_param.ClearField("weight_filler")
        layer.inner_product_param.ClearField("weight_filler")
    return definition
