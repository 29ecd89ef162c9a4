"""An array of the user's put into a blob, or an error that says why it can't be."""

from __future__ import annotations

import numpy as np

from ...errors import ArrayError


def assign(name: str, blob: np.ndarray, values: np.ndarray) -> None:
    """Copy `values` into the numbers of the blob `name`; raises ArrayError where the shapes don't fit."""
    values = np.asarray(values)
    if values.shape[:1] != blob.shape[:1]:
        raise ArrayError(f"{_misfit(name, blob, values)}: another batch size; {_hint(name, values)}")
    try:
        blob[...] = values
    except ValueError:
        raise ArrayError(f"{_misfit(name, blob, values)}; {_hint(name, values)}") from None


def _misfit(name: str, blob: np.ndarray, values: np.ndarray) -> str:
    return f"blob '{name}' has shape {blob.shape}, and the array for it {values.shape}"


def _hint(name: str, values: np.ndarray) -> str:
    return f"where that is the shape meant, blobs['{name}'].reshape{values.shape} comes first"
