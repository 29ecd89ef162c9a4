"""What a training computes in, on devices with bfloat16 and without."""

import pytest
import torch

from dgnam.caffe.modules import precision
from dgnam.errors import DgnamError
from dgnam.train.passes import Passes


@pytest.fixture(params=[True, False])
def has(request, monkeypatch):
    """Whether the CPU has bfloat16."""
    monkeypatch.setattr(precision, "cpu_has_bfloat16", lambda: request.param)
    return request.param


@pytest.mark.parametrize("asked", [None, "float32"])
def test_passes_are_in_bfloat16_where_the_device_has_it_and_nothing_else_is_asked(has, asked):
    passes, x = Passes("cpu", asked), torch.ones(2, 2)
    expected = torch.bfloat16 if has and asked is None else torch.float32
    with passes():
        assert (x @ x).dtype == expected
    assert (x @ x).dtype == torch.float32
    assert passes.precision == str(expected).removeprefix("torch.")


def test_bfloat16_is_refused_by_a_device_that_lacks_it(has):
    if has:
        assert Passes("cpu", "bfloat16").precision == "bfloat16"
    else:
        with pytest.raises(DgnamError, match="AVX512-BF16 nor AMX, so it would be slower than float32; use float32"):
            Passes("cpu", "bfloat16")


def test_an_unknown_precision_is_refused():
    with pytest.raises(DgnamError, match="precision 'float23': give one of float32, bfloat16"):
        Passes("cpu", "float23")
    with pytest.raises(DgnamError, match="precision 'tf32': give one of"):
        Passes("cuda", "tf32")
