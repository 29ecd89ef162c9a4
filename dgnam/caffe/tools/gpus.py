"""The option `--gpu` of Caffe's commands."""

from __future__ import annotations

import torch

from ...errors import CaffeError
from .. import mode
from ..glog import LOGGER


def gpu_numbers(text: str) -> list[int]:
    """Return the GPUs given by `--gpu`: numbers separated by commas, or "all"; none if empty."""
    if text == "all":
        if not torch.cuda.is_available():
            raise CaffeError("--gpu all: this machine has no GPU that torch can use")
        return list(range(torch.cuda.device_count()))
    parts = [part.strip() for part in text.split(",")] if text else []
    if not all(part.isdecimal() for part in parts):
        raise CaffeError(f"--gpu '{text}': use numbers separated by commas, or 'all'")
    return [int(part) for part in parts]


def use(numbers: list[int]) -> None:
    """Run on the first of these GPUs, or on the CPU if none is given."""
    if not numbers:
        LOGGER.info("Use CPU.")
        mode.set_mode_cpu()
        return
    mode.set_device(numbers[0])
    mode.set_mode_gpu()
    LOGGER.info("Use GPU with device ID %d", numbers[0])
    LOGGER.info("GPU device name: %s", torch.cuda.get_device_name(numbers[0]))
