"""The global mode: random seeds, devices, and computing in float32."""

import pytest
import torch

from dgnam.caffe import mode
from dgnam.caffe.blob import HOST
from dgnam.caffe.errors import CaffeError


def draw() -> torch.Tensor:
    return torch.rand(3, generator=mode.generator(HOST))


def test_a_seed_repeats_the_numbers():
    mode.set_random_seed(7)
    first, second = draw(), draw()
    assert (first != second).any()
    mode.set_random_seed(7)
    assert (draw() == first).all()


def test_other_devices_follow_the_seed():
    other = torch.device("cpu", 0)
    mode.set_random_seed(7)
    first = torch.rand(3, generator=mode.generator(other))
    mode.set_random_seed(7)
    assert (torch.rand(3, generator=mode.generator(other)) == first).all()


def test_cpu_mode():
    mode.set_mode_cpu()
    assert mode.current_device() == HOST


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
@pytest.mark.parametrize("choose", [mode.set_mode_gpu, lambda: mode.set_device(0)])
def test_without_a_gpu_its_mode_is_an_error(choose):
    with pytest.raises(CaffeError, match="no GPU"):
        choose()
    assert mode.current_device() == HOST


def test_float32_throughout_on_a_gpu_and_as_before_afterwards():
    before = torch.backends.cudnn.allow_tf32, torch.backends.cudnn.deterministic
    with mode.exact(torch.device("cuda", 0)):
        assert not torch.backends.cudnn.allow_tf32
        assert not torch.backends.cuda.matmul.allow_tf32
        assert torch.backends.cudnn.deterministic
    assert (torch.backends.cudnn.allow_tf32, torch.backends.cudnn.deterministic) == before


@pytest.mark.cuda
def test_gpu_mode():
    mode.set_mode_gpu()
    assert mode.current_device() == torch.device("cuda", 0)
    mode.set_mode_cpu()
