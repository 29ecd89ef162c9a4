"""Means as numpy's files hold them."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from dgnam.data.preprocessing import read_mean

FILE = "hostile.npy"


def seeds() -> list[bytes]:
    return [_saved(np.arange(12, dtype=np.float32).reshape(3, 2, 2)), _saved(np.ones((1, 3, 1, 1), order="F"))]


def read(path: Path) -> None:
    read_mean(path)


def _saved(values: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, values)
    return out.getvalue()
