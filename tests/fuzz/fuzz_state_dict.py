"""Weights as torch state dicts, in both of torch's formats."""

from __future__ import annotations

import io
from pathlib import Path

import torch

from dgnam.caffe.proto import read_state_dict

FILE = "hostile.pt"


def seeds() -> list[bytes]:
    state = {"conv1.weight": torch.arange(24.0).reshape(2, 3, 2, 2), "conv1.bias": torch.ones(2, dtype=torch.float16)}
    return [_saved(state | {"bn/0": torch.ones(3)}, zipped) for zipped in (True, False)]


def read(path: Path) -> None:
    read_state_dict(path)


def _saved(state: dict[str, torch.Tensor], zipped: bool) -> bytes:
    file = io.BytesIO()
    torch.save(state, file, _use_new_zipfile_serialization=zipped)
    return file.getvalue()
