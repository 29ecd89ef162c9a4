"""Copying a caller's array into a blob, with an error that explains a mismatch."""

from __future__ import annotations

import numpy as np

from ...errors import ArrayError


def assign(name: str, blob: np.ndarray, values: np.ndarray) -> None:
    """Copy `values` into the blob `name`; raises ArrayError if the shapes don't fit."""
    values = np.asarray(values)
    if values.shape[:1] != blob.shape[:1]:
        raise ArrayError(f"{_misfit(name, blob, values)}: another batch size; {_hint(name, values)}")
    try:
        blob[...] = values
    except ValueError:
        raise ArrayError(f"{_misfit(name, blob, values)}; {_hint(name, values)}") from None


def _misfit(name: str, blob: np.ndarray, values: np.ndarray) -> str:
    return f"blob '{name}' has shape {blob.shape} and the array has shape {values.shape}"


def _hint(name: str, values: np.ndarray) -> str:
    return f"if intended, call blobs['{name}'].reshape{values.shape} first"
