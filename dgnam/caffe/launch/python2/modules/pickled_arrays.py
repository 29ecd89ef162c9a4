"""Arrays of objects in .npy files, read without running code.

Only arrays, scalars, containers, texts and numbers are made; anything else is refused by its name.
"""

from __future__ import annotations

import collections
import pickle
from typing import Any

import numpy as np
from numpy.lib import format as npy

from .. import files

_FUNCTIONS = ("_reconstruct", "scalar")
_PLAIN: dict[tuple[str, str], Any] = {
    ("numpy", "dtype"): np.dtype,
    ("numpy", "ndarray"): np.ndarray,
    ("collections", "OrderedDict"): collections.OrderedDict,
    **{("builtins", one.__name__): one for one in (bytearray, complex, dict, float, frozenset, int, list, set, tuple)},
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _PLAIN:
            return _PLAIN[module, name]
        if module in ("numpy.core.multiarray", "numpy._core.multiarray") and name in _FUNCTIONS:
            return super().find_class(module, name)
        if (module, name) == ("_codecs", "encode"):
            return _encode
        raise pickle.UnpicklingError(
            f"numpy.load: the file holds an object of {module}.{name}, which is not read, for that could run code; "
            "numpy.load(…, allow_pickle=True) does it"
        )


def _encode(text: str, encoding: str = "latin1") -> bytes:
    """The bytes of a pickle's text."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"numpy.load: the file holds bytes in the encoding {encoding!r}")
    return text.encode("latin1")


def pickled_array(file: Any) -> np.ndarray:
    """The array of objects in a .npy file, by its name or open at the beginning or after the header was read."""
    if hasattr(file, "read"):
        source = files.binary(file)
        source.seek(0)
        return _read(source)
    with open(file, "rb") as opened:
        return _read(opened)


def _read(file: Any) -> np.ndarray:
    version = npy.read_magic(file)
    shape, fortran, _ = npy.read_array_header_1_0(file) if version == (1, 0) else npy.read_array_header_2_0(file)
    array = _Unpickler(file, encoding="latin1").load()
    if not isinstance(array, np.ndarray):
        raise ValueError("numpy.load: the file holds no array")
    return array.reshape(shape, order="F" if fortran else "C")
