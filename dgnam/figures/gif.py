"""GIF, a frame at a time: Pillow's encoder compresses each, and its blocks are joined here.

Pillow would hold all frames of an animation until the last is there, and drop those that equal the one before.

[1] CompuServe, Graphics Interchange Format, version 89a, 1990
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import IO

import numpy as np
from PIL import Image

MOST_FPS = 50.0
"""Viewers slow down what is faster: a delay of less than two hundredths of a second counts as none."""

LARGEST = 65535
"""The largest side, and the longest delay in hundredths of a second: each has two bytes."""


def write_gif(file: IO[bytes], frames: Iterator[tuple[np.ndarray, float]], *, loop: bool) -> None:
    """Write frames, each (h, w, 3) uint8 RGB with the seconds that it stays, all of one size.

    Each frame has a palette of its own, of at most 256 colours.
    """
    for number, (frame, seconds) in enumerate(frames):
        height, width = frame.shape[:2]
        if number == 0:
            file.write(b"GIF89a" + struct.pack("<HHBBB", width, height, 0x70, 0, 0))
            if loop:
                file.write(b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00")
        palette, bits, data = _encode(frame)
        delay = min(LARGEST, max(2, round(100 * seconds)))
        file.write(b"\x21\xf9\x04\x04" + struct.pack("<H", delay) + b"\x00\x00")
        file.write(b"\x2c" + struct.pack("<HHHHB", 0, 0, width, height, 0x80 | bits) + palette + data)
    file.write(b"\x3b")


def _encode(frame: np.ndarray) -> tuple[bytes, int, bytes]:
    """A frame's palette, the three bits that tell its length, and its compressed pixels."""
    buffer = io.BytesIO()
    Image.fromarray(frame).quantize(256).save(buffer, format="GIF", interlace=0)
    whole = buffer.getvalue()
    bits = whole[10] & 7
    place = 13 + 3 * 2 ** (bits + 1)
    palette = whole[13:place]
    while whole[place] == 0x21:  # an extension, such as a comment
        place = _after_blocks(whole, place + 2)
    first = place + 10  # after the image descriptor
    return palette, bits, whole[first : _after_blocks(whole, first + 1)]


def _after_blocks(data: bytes, place: int) -> int:
    """The place after a row of blocks, each led by its length, that an empty one ends."""
    while data[place]:
        place += 1 + data[place]
    return place + 1
