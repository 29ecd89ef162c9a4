"""The caller's torch modules: their device, precision, inputs and outputs."""

import collections
from dataclasses import dataclass

import pytest
import torch
from torch import nn

from dgnam.am import torch_modules as module
from dgnam.errors import DgnamError

CPU, META = torch.device("cpu"), torch.device("meta")


class Own(nn.Linear):
    """A module whose forward takes what a test says."""

    def __init__(self, **dtype):
        super().__init__(2, 2, **dtype)
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))


def test_a_module_elsewhere_is_copied_and_the_callers_stays():
    own = Own()
    assert module.placed(own, CPU) is own
    moved = module.placed(own, META)
    assert {one.device for one in (*moved.parameters(), *moved.buffers())} == {META}
    assert own.weight.device == CPU
    assert module.placed(nn.ReLU(), META).training
    split = Own()
    split.weight = nn.Parameter(torch.empty(2, 2, device=META))
    assert module.placed(split, META) is split  # it lies on two
    own.__deepcopy__ = lambda memory: 1 / 0
    with pytest.raises(DgnamError, match=r"lies on cpu, and can't be copied to meta \(division by zero\)"):
        module.placed(own, META)


def test_device_and_precision_are_those_of_the_first_weights():
    assert (module.device_of(Own()), module.dtype_of(Own())) == (CPU, torch.float32)
    assert module.dtype_of(Own(dtype=torch.float64)) == torch.float64
    assert module.device_of(Own(device=META)) == META
    assert (module.device_of(nn.ReLU()), module.dtype_of(nn.ReLU())) == (CPU, torch.float32)
    counts = nn.Module()
    counts.register_buffer("count", torch.zeros(1, dtype=torch.int64))
    assert module.dtype_of(counts) == torch.float32


def test_gradients_through_half_are_scaled_up_on_their_way():
    assert module.HALF_SCALE == 128
    for dtype, down, up in ((torch.float16, 1 / 128, 128), (torch.float64, 1, 1)):
        values = torch.ones(2, requires_grad=True)
        given = module.to_module(values, Own(dtype=dtype))
        assert given.dtype == dtype
        given.sum().backward()
        assert values.grad.tolist() == [down, down]
        output = torch.ones(2, dtype=dtype, requires_grad=True)
        found = module.from_module(output, CPU)
        assert found.dtype == torch.float32
        found.sum().backward()
        assert output.grad.tolist() == [up, up]
    assert module.to_module(torch.ones(2), Own(dtype=torch.float16)).requires_grad is False
    assert module.to_module(torch.ones(1, device=META), nn.ReLU()).device == META


def test_outputs_become_float32():
    quantized = torch.quantize_per_tensor(torch.tensor([0.5]), 0.25, 0, torch.qint8)
    assert module.from_module(quantized, CPU).tolist() == [0.5]
    with pytest.raises(DgnamError, match="complex values have no order to climb"):
        module.from_module(torch.tensor([1j]), CPU)


@dataclass
class Fields:
    a: object
    b: object


def test_tensors_of_an_output_and_their_places():
    one, two = torch.zeros(1), torch.ones(2)
    named = collections.namedtuple("named", "x y")
    output = {"k": (one, [two]), "f": Fields(one, named(two, 3)), "s": one.to_sparse(), "n": None, "t": Fields}
    assert [place for place, _ in module.tensors_in(output)] == ["[k][0]", "[k][1][0]", "[f][a]", "[f][b][x]"]
    assert [place for place, _ in module.tensors_in(one)] == [""]
    assert list(module.tensors_in(torch.nested.nested_tensor([one, two]))) == []


class Inputs(nn.Module):
    def forward(self, images, other, third=None, *more, key, fine=1, **rest):
        return images


def test_what_a_forward_needs():
    assert module._inputs(Inputs()) == ["images", "other", "key"]
    assert module._inputs(torch.jit.script(nn.ReLU())) == []
    bare = nn.ReLU()
    bare.forward = min  # whose signature can't be told
    assert module._inputs(bare) == []
    with pytest.raises(DgnamError, match="takes images, other, key, and a TorchTarget gives it images alone"):
        module.checked_module(Inputs(), "TorchTarget", "images")
    assert isinstance(module.checked_module(nn.DataParallel(nn.ReLU()), "TorchTarget", "images"), nn.ReLU)


def test_at_work_the_fast_path_of_attention_is_off():
    before = torch.backends.mha.get_fastpath_enabled()
    for given in (True, False):
        torch.backends.mha.set_fastpath_enabled(given)
        with module.at_work(own := Own()):
            assert not torch.backends.mha.get_fastpath_enabled()
            assert not own.training
        assert torch.backends.mha.get_fastpath_enabled() is given
    torch.backends.mha.set_fastpath_enabled(before)
    compiled, wrapper = nn.ReLU(), nn.ReLU()
    compiled._compiled_call_impl, wrapper._orig_mod = len, compiled
    assert [module._is_compiled(one) for one in (nn.ReLU(), compiled, wrapper)] == [False, True, True]
