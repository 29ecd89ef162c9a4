"""Checksums of files, bytes and arrays."""

from __future__ import annotations

import hashlib

import numpy as np

from .paths import StrPath

_PIECE = 1 << 20


def sha256(path: StrPath) -> str:
    """The file's checksum in hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()


def sha256_of_bytes(content: bytes) -> str:
    """The checksum of bytes in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def sha256_of_array(values: np.ndarray) -> str:
    """The checksum of an array's numbers as float32, in hexadecimal; its shape is not part of it."""
    return hashlib.sha256(np.ascontiguousarray(values, np.float32).tobytes()).hexdigest()
