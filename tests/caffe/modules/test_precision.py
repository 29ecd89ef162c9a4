"""Which precisions a device has, and which it is fastest in."""

import pytest
import torch

from dgnam.caffe.modules import precision
from dgnam.errors import DgnamError


@pytest.mark.parametrize("has", [True, False])
def test_bfloat16_and_tf32_of_a_gpu(monkeypatch, has):
    asked = []
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **how: asked.append(how) or has)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (8, 0) if has else (7, 5))
    if has:
        precision.check_precision("bfloat16", "cuda")
        precision.check_precision("tf32", "cuda")
    else:
        with pytest.raises(
            DgnamError, match="this GPU has no bfloat16, so it would be slower than float32; use float32"
        ):
            precision.check_precision("bfloat16", "cuda")
        with pytest.raises(DgnamError, match="TF32 is of NVIDIA GPUs from Ampere on"):
            precision.check_precision("tf32", "cuda")
    assert asked == [{"including_emulation": False}]


@pytest.mark.parametrize(
    ("machine", "avx", "amx", "arm", "has"),
    [
        *(("x86_64", True, False, None, True), ("AMD64", False, True, None, True), ("x86_64", False, False, 1, False)),
        *(("aarch64", True, True, None, False), ("aarch64", False, False, 1, True), ("aarch64", True, True, 0, False)),
    ],
)
def test_a_cpu_with_instructions_for_bfloat16(monkeypatch, machine, avx, amx, arm, has):
    monkeypatch.setattr("platform.machine", lambda: machine)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    own = {} if arm is None else {"_is_mkldnn_bf16_supported": lambda: arm}
    monkeypatch.setattr(torch.ops, "mkldnn", type("Ops", (), {name: staticmethod(one) for name, one in own.items()}))
    assert precision.cpu_has_bfloat16() is has


@pytest.mark.parametrize(("has", "fastest"), [(True, "bfloat16"), (False, "float32")])
def test_the_precision_that_a_device_is_fastest_in(monkeypatch, has, fastest):
    monkeypatch.setattr(precision, "cpu_has_bfloat16", lambda: has)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **how: has)
    assert precision.fast_precision("cpu") == precision.fast_precision(torch.device("cuda")) == fastest
