"""The global mode: random seeds, devices, and computing in float32."""

import numpy as np
import pytest
import torch

from dgnam.caffe import mode
from dgnam.caffe.syncedmem import HOST
from dgnam.errors import CaffeError, DgnamError


def draw() -> torch.Tensor:
    return torch.rand(3, generator=mode.generator(HOST))


def test_a_seed_repeats_the_numbers():
    mode.set_random_seed(7)
    first, second = draw(), draw()
    assert (first != second).any()
    mode.set_random_seed(7)
    assert (draw() == first).all()


@pytest.mark.parametrize("seed", [0, True, np.int64(7), 2**32 - 1])
def test_whole_numbers_are_seeds(seed):
    mode.set_random_seed(seed)
    first = draw()
    mode.set_random_seed(int(seed))
    assert (draw() == first).all()


@pytest.mark.parametrize(
    ("seed", "kind"),
    [(1.5, TypeError), ("1", TypeError), (None, TypeError), (-1, OverflowError), (2**32, OverflowError)],
)
def test_other_seeds_leave_the_random_state_alone(seed, kind):
    mode.set_random_seed(7)
    first = draw()
    mode.set_random_seed(7)
    with pytest.raises(kind):
        mode.set_random_seed(seed)
    assert (draw() == first).all()


def test_a_device_is_a_whole_number():
    with pytest.raises(TypeError):
        mode.set_device("0")


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


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
@pytest.mark.parametrize("name", ["cuda", "cuda:1", "cuda:x", "gpu", ""])
def test_a_device_that_is_not_there_is_no_error_of_caffes(name):
    with pytest.raises(DgnamError, match=r"^device ") as caught:
        mode.usable_device(name)
    assert not isinstance(caught.value, CaffeError)


def test_float32_throughout_on_a_gpu_and_as_before_afterwards():
    before = torch.backends.cudnn.allow_tf32, torch.backends.cudnn.deterministic
    with mode.exact():
        assert not torch.backends.cudnn.allow_tf32
        assert not torch.backends.cuda.matmul.allow_tf32
        assert torch.backends.cudnn.deterministic
    assert (torch.backends.cudnn.allow_tf32, torch.backends.cudnn.deterministic) == before


@pytest.mark.cuda
def test_gpu_mode():
    mode.set_mode_gpu()
    assert mode.current_device() == torch.device("cuda", 0)
    mode.set_mode_cpu()
