"""torch's state dicts as weights: what is read, and what is refused with one clear error."""

from __future__ import annotations

import pickle
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from dgnam import zoo
from dgnam.api.priors import open_prior
from dgnam.api.targets import open_target
from dgnam.caffe import TEST, CaffeModule, Net
from dgnam.caffe.modules.to_torch import PARAM_NAMES, STATIC_PARAM_NAMES, to_torch
from dgnam.caffe.proto import StateDict, parse_net, read_net, read_weights
from dgnam.errors import DgnamError, FormatError

NET = """
name: "small" force_backward: true
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 dim: 8 dim: 8 } } }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
  convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" } bias_filler { value: 0.5 } } }
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
layer { name: "deconv1" type: "Deconvolution" bottom: "conv1" top: "deconv1"
  convolution_param { num_output: 2 kernel_size: 2 stride: 2 weight_filler { type: "xavier" } } }
layer { name: "fc6" type: "InnerProduct" bottom: "deconv1" top: "fc6"
  inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
"""


@pytest.fixture
def prototxt(tmp_path: Path) -> Path:
    path = tmp_path / "net.prototxt"
    path.write_text(NET)
    return path


@pytest.fixture
def state(prototxt: Path) -> dict[str, torch.Tensor]:
    return dict(to_torch(prototxt, seed=3).state_dict())


def saved(path: Path, found: object, **how: Any) -> Path:
    torch.save(found, path, **how)
    return path


def outputs(prototxt: Path, weights: Path) -> np.ndarray:
    net = Net(prototxt, TEST, weights=weights)
    net.blobs["data"].data[...] = np.random.RandomState(0).randn(2, 3, 8, 8)
    return net.forward()["fc6"].copy()


@pytest.mark.parametrize("legacy", [False, True])
def test_the_numbers_are_those_of_the_caffemodel(
    prototxt: Path, state: dict[str, torch.Tensor], tmp_path: Path, legacy: bool
) -> None:
    path = saved(tmp_path / "net.pt", state, _use_new_zipfile_serialization=not legacy)
    weights = read_weights(path)
    assert isinstance(weights, StateDict)
    assert list(weights) == ["conv1", "deconv1", "fc6"]
    net = Net(prototxt, TEST, weights=path)
    net.save(tmp_path / "net.caffemodel")
    other = read_weights(tmp_path / "net.caffemodel")
    assert all(np.array_equal(a, b) for name in other for a, b in zip(weights[name], other[name], strict=True))
    assert np.array_equal(outputs(prototxt, path), outputs(prototxt, tmp_path / "net.caffemodel"))
    module = torch.nn.Conv2d(3, 4, 3)
    module.load_state_dict({"weight": state["conv1.weight"], "bias": state["conv1.bias"]})
    images = torch.from_numpy(np.random.RandomState(0).randn(2, 3, 8, 8).astype(np.float32))
    net.blobs["data"].data[...] = images.numpy()
    assert np.allclose(net.forward(end="conv1")["conv1"], module(images).detach().numpy(), atol=1e-6)


def test_each_way_to_open_a_net_reads_it(prototxt: Path, state: dict[str, torch.Tensor], tmp_path: Path) -> None:
    path = saved(tmp_path / "net.pt", state)
    images = torch.randn(2, 3, 8, 8)
    modules = [CaffeModule(read_net(prototxt), read_weights(path)), zoo.load_net(prototxt, path, "it")]
    found = [module(images)["fc6"] for module in modules] + [to_torch(prototxt, path)(images)]
    assert all(torch.equal(found[0], other) for other in found)
    net = Net(prototxt, TEST)
    net.copy_from(path)
    assert np.array_equal(net.params["fc6"][0].data, state["fc6.weight"].numpy())


def test_caffe_modules_own_state_dict_comes_back(prototxt: Path, tmp_path: Path) -> None:
    module = CaffeModule(read_net(prototxt), seed=7)
    weights = read_weights(saved(tmp_path / "module.pt", module.state_dict()))
    assert all(np.array_equal(a, b) for n, w in module.weights().items() for a, b in zip(w, weights[n], strict=True))


def test_a_stray_part_of_a_pair_is_stripped(state: dict[str, torch.Tensor], tmp_path: Path) -> None:
    stray = {key.replace("fc6.", "fc6.1."): value for key, value in state.items()}
    assert list(read_weights(saved(tmp_path / "net.pt", stray))) == ["conv1", "deconv1", "fc6"]
    several = {"features.0.weight": torch.ones(1), "features.1.weight": torch.ones(1), "head.1.weight": torch.ones(1)}
    assert list(read_weights(saved(tmp_path / "net.pt", several))) == ["features.0", "features.1", "head"]


@pytest.mark.parametrize("names", [*PARAM_NAMES.values(), *STATIC_PARAM_NAMES.values(), ("weight", "bias", "blob2")])
def test_parameters_come_in_caffes_order(names: tuple[str, ...], tmp_path: Path) -> None:
    state = {f"a/b.{name}": torch.full((1,), float(i)) for i, name in enumerate(names)}
    backwards = dict(reversed(state.items()))
    blobs = read_weights(saved(tmp_path / "net.pt", backwards))["a/b"]
    assert [float(blob[0]) for blob in blobs] == list(range(len(names)))


def test_torchs_batch_norm_gets_caffes_factor(tmp_path: Path) -> None:
    norm = torch.nn.Sequential(OrderedDict(bn=torch.nn.BatchNorm2d(2, affine=False)))
    norm(torch.randn(4, 2, 3, 3))
    blobs = read_weights(saved(tmp_path / "net.pt", norm.state_dict()))["bn"]
    assert np.array_equal(blobs[1], norm.bn.running_var.numpy())  # type: ignore[union-attr,operator]
    assert blobs[2].tolist() == [1]
    affine = torch.nn.Sequential(OrderedDict(bn=torch.nn.BatchNorm2d(2)))
    with pytest.raises(FormatError, match=r"'bn' .*two of Caffe's layers, BatchNorm and Scale"):
        read_weights(saved(tmp_path / "net.pt", affine.state_dict()))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_floating_point_numbers_become_float32(dtype: torch.dtype, tmp_path: Path) -> None:
    (blob,) = read_weights(saved(tmp_path / "net.pt", {"fc.weight": torch.tensor([[1.5, -2.0]], dtype=dtype)}))["fc"]
    assert (blob.dtype, blob.tolist()) == (np.float32, [[1.5, -2.0]])


def test_parameters_that_are_learned_are_read(tmp_path: Path) -> None:
    module = torch.nn.Sequential(OrderedDict(fc=torch.nn.Linear(2, 3)))
    blobs = read_weights(saved(tmp_path / "net.pt", dict(module.named_parameters())))["fc"]
    assert np.array_equal(blobs[0], module.fc.weight.detach().numpy())  # type: ignore[union-attr]
    assert [blob.flags.writeable for blob in blobs] == [True, True]


def test_a_commands_target_and_prior_may_have_them(tmp_path: Path) -> None:
    for name in ("caffenet-mini", "deepsim-fc6-mini"):
        torch.save(zoo.load(name).state_dict(), tmp_path / f"{name}.pt")
    prototxts = [zoo.get(name).prototxt for name in ("caffenet-mini", "deepsim-fc6-mini")]
    target = open_target(prototxts[0], weights=tmp_path / "caffenet-mini.pt")
    prior = open_prior(prototxts[1], (56, 56), weights=tmp_path / "deepsim-fc6-mini.pt")
    image = prior.prior(torch.ones(1, *prior.prior.code_shape))
    expected = zoo.load("deepsim-fc6-mini")(torch.ones(1, *prior.prior.code_shape))
    assert torch.equal(image, next(iter(expected.values())))
    assert target.files == (prototxts[0], tmp_path / "caffenet-mini.pt")


def test_tied_layers_get_an_array_each(tmp_path: Path) -> None:
    one = torch.ones(3)
    weights = read_weights(
        saved(tmp_path / "net.pt", {"a.weight": one, "pad.weight": torch.ones(3), "b.weight": one[:1]})
    )
    weights["a"][0][0] = 5
    assert weights["b"][0].tolist() == [1]


class Evil:
    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return exec, ("raise SystemExit('code of a file ran')",)


def without(start: str) -> Callable[[dict[str, torch.Tensor]], object]:
    return lambda state: {key: value for key, value in state.items() if not key.startswith(start)}


def with_value(value: object) -> Callable[[dict[str, torch.Tensor]], object]:
    return lambda state: state | {"fc6.bias": value}


REFUSED = {
    "missing": (
        lambda s: {k: v for k, v in s.items() if "conv1" not in k or "de" in k},
        "no weights for layer 'conv1'",
    ),
    "unknown": (
        lambda s: s | {"fc9.weight": torch.ones(1)},
        "weights for layer 'fc9', and net 'small' has no such",
    ),
    "shape": (with_value(torch.ones(6)), r"layer 'fc6', parameter 1: the net's shape is \(5,\), the weights' \(6,\)"),
    "count": (
        lambda s: {k: v for k, v in s.items() if k != "fc6.bias"},
        "layer 'fc6' has 2 parameters; the weights have 1",
    ),
    "integers": (with_value(torch.ones(5, dtype=torch.int64)), r"'fc6.bias' is of torch.int64; .*float32"),
    "complex": (with_value(torch.ones(5, dtype=torch.complex64)), "'fc6.bias' is of torch.complex64"),
    "NaN": (with_value(torch.tensor([1, 2, float("nan"), 4, 5])), "'fc6.bias' holds NaN; weights are finite"),
    "infinite": (
        with_value(torch.full((5,), 1e300, dtype=torch.float64)),
        "'fc6.bias' holds infinite numbers",
    ),
    "sparse": (with_value(torch.ones(5).to_sparse()), "tensors by torch._utils._rebuild_sparse_tensor; .* dense"),
    "quantized": (
        lambda s: s | {"fc6.bias": torch.quantize_per_tensor(torch.ones(5), 0.1, 0, torch.qint8)},
        "holds tensors by torch._utils._rebuild_qtensor",
    ),
    "number": (with_value(3), "is not a state dict: it has an int at 'fc6.bias'"),
    "checkpoint": (lambda s: {"epoch": 3, "state_dict": s}, "it may be what is at state_dict: save that alone"),
    "list": (lambda s: list(s.values()), "is not a state dict but holds a list"),
    "tensor": (lambda s: torch.ones(3), "is not a state dict but holds a Tensor"),
    "empty": (lambda s: {}, "is a state dict without parameters"),
    "key": (lambda s: s | {"odd": torch.ones(1)}, "its key 'odd' is no layer's parameter, such as 'conv1.weight'"),
    "twice": (
        lambda s: s | {"fc6/0": torch.ones(1)},
        "layer 'fc6' has parameters by number and by name",
    ),
    "number keys": (lambda s: {3: torch.ones(1)}, "it has a Tensor at 3"),
    "module": (lambda s: torch.nn.Linear(2, 2), r"asks for torch\.nn\.modules\.linear\.Linear, that is for code"),
    "code": (with_value(Evil()), r"asks for (builtins|__builtin__)\.exec, that is for code, which is not run"),
}


@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor")
@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("kind", REFUSED)
def test_each_fault_is_one_error_that_names_the_file(
    kind: str, legacy: bool, prototxt: Path, state: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    change, reason = REFUSED[kind]
    path = saved(tmp_path / "bad.pt", change(state), _use_new_zipfile_serialization=not legacy)
    for open_it in (lambda: Net(prototxt, TEST, weights=path), lambda: zoo.load_net(prototxt, path, "it")):
        with pytest.raises(DgnamError, match=reason) as caught:
            open_it()
        assert "bad.pt" in str(caught.value)
        assert len(str(caught.value)) < 1500


def test_another_nets_state_dict_does_not_pass_silently(prototxt: Path, tmp_path: Path) -> None:
    path = saved(tmp_path / "other.pt", {"features.0.weight": torch.ones(2), "features.3.weight": torch.ones(2)})
    net = Net(prototxt, TEST)
    with pytest.raises(DgnamError, match=r"other.pt: .*none of the net's layers \(.*conv1.*\), but features"):
        net.copy_from(path)


def test_fine_tuning_takes_the_layers_that_fit(prototxt: Path, state: dict[str, torch.Tensor], tmp_path: Path) -> None:
    path = saved(tmp_path / "net.pt", state)
    net = Net(parse_net(NET.replace('"fc6"', '"fc6_new"')), TEST)
    net.copy_from(path)
    assert np.array_equal(net.params["conv1"][1].data, state["conv1.bias"].numpy())


@pytest.mark.parametrize("legacy", [False, True])
def test_a_truncated_file_says_so_wherever_it_ends(
    state: dict[str, torch.Tensor], tmp_path: Path, legacy: bool
) -> None:
    whole = saved(tmp_path / "whole.pt", state, _use_new_zipfile_serialization=not legacy).read_bytes()
    path = tmp_path / "cut.pt"
    for size in range(len(whole) - 1, 0, -max(1, len(whole) // 60)):
        path.write_bytes(whole[:size])
        with pytest.raises(FormatError, match=r"cut.pt: is (truncated|a pickle|a file of another)"):
            read_weights(path)


def test_one_wrong_bit_anywhere_gives_no_other_numbers(state: dict[str, torch.Tensor], tmp_path: Path) -> None:
    """Of torch's zip; its older files hold no checksums."""
    whole = saved(tmp_path / "whole.pt", state).read_bytes()
    right, path, refused = read_weights(tmp_path / "whole.pt"), tmp_path / "bad.pt", 0
    start = whole.index(state["fc6.weight"].numpy().tobytes()[:16])
    for place in {*range(0, len(whole), 7), *range(start, start + 40)}:
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        try:
            found = read_weights(path)
        except FormatError:
            refused += 1
            continue
        assert list(found) == list(right)
        assert all(np.array_equal(a, b) for n in right for a, b in zip(found[n], right[n], strict=True))
        assert not start <= place < start + 40
    assert refused > 40


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is an empty file, not a torch state dict"),
        (b"<!DOCTYPE html><html>sign in</html>", "is a web page, as a failed download leaves, not a torch state dict"),
        (b"version https://git-lfs.github.com/spec/v1\n", "is a Git LFS pointer"),
        (b"\x0a\x05small", "is a file of another format, not a torch state dict"),
        (pickle.dumps({"a.weight": 3}), "is a pickle of Python objects, and not one of torch's"),
        (pickle.dumps(Evil()), "is a pickle of Python objects, and not one of torch's"),
    ],
)
def test_what_is_no_file_of_torchs_is_named(content: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    path.write_bytes(content)
    with pytest.raises(FormatError, match=f"net.pt: {reason}"):
        read_weights(path)


def test_a_zip_bomb_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("net/data.pkl", bytes(100_000_000))
    with pytest.raises(FormatError, match="compressed files; torch stores them"):
        read_weights(path)
    with zipfile.ZipFile(path, "w") as zipped:
        zipped.writestr("readme", "no net")
    with pytest.raises(FormatError, match="zip archive, and not one of torch's"):
        read_weights(path)


def test_endless_views_of_a_number_are_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "net.pt", {"fc.weight": torch.ones(1).expand(1 << 20, 1 << 20)})
    with pytest.raises(FormatError, match="asks for more numbers than the file has"):
        read_weights(path)


def test_a_storage_that_claims_more_than_the_file_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "net.pt", {"fc.weight": torch.ones(4)}, _use_new_zipfile_serialization=False)
    data = path.read_bytes()
    claim = b"K\x04"
    assert data.count(claim) >= 1
    path.write_bytes(data.replace(claim, b"J" + struct.pack("<i", 1 << 30)))
    with pytest.raises(FormatError, match=r"net.pt: is truncated or damaged"):
        read_weights(path)
