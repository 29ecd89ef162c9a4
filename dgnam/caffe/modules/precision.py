"""The precisions that a device has: float32, TF32 on NVIDIA GPUs, and bfloat16.

check_precision("bfloat16", "cpu")
"""

from __future__ import annotations

import platform

import torch

from ...errors import DgnamError, closest

FLOAT32, TF32, BFLOAT16 = "float32", "tf32", "bfloat16"
PRECISIONS = (FLOAT32, TF32, BFLOAT16)


def check_precision(precision: str, device: str | torch.device) -> None:
    """Raise DgnamError for an unknown precision, and for one that the device lacks: it would be slower than float32."""
    if precision not in PRECISIONS:
        raise DgnamError(f"precision '{precision}': give one of {closest(precision, PRECISIONS)}")
    lacking = _lacking(precision, torch.device(device))
    if lacking is not None:
        raise DgnamError(f"precision {precision}: {lacking}; use float32")


def fast_precision(device: str | torch.device) -> str:
    """What a device computes fastest in: bfloat16 where it has it, otherwise float32."""
    return FLOAT32 if _lacking(BFLOAT16, torch.device(device)) else BFLOAT16


def _lacking(precision: str, device: torch.device) -> str | None:
    """What the device lacks for a precision; None where it has it."""
    if precision == TF32:
        usable = device.type == "cuda" and torch.cuda.get_device_capability(device) >= (8, 0)
        return None if usable else "TF32 is of NVIDIA GPUs from Ampere on"
    if precision == BFLOAT16 and device.type == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
        return None if fast else "this GPU has no bfloat16, so it would be slower than float32"
    if precision == BFLOAT16 and device.type == "cpu" and not cpu_has_bfloat16():
        return "this CPU has neither AVX512-BF16 nor AMX, so it would be slower than float32"
    return None


def cpu_has_bfloat16() -> bool:
    """Whether the CPU multiplies matrices of bfloat16 by instructions of its own."""
    if platform.machine().lower() in ("x86_64", "amd64"):
        return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
    known = getattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", None)
    return known is not None and bool(known())
