"""A grid of labeled pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from ..errors import DgnamError
from .caption import INK, PAPER, fit, line_height, load_font, write_lines

WORDS_WIDTH = 600
"""Pixels that a title or a note may take where the pictures take less."""

HEADING_WIDTH = 160
"""Pixels that the headings of rows take at most."""


def labeled_grid(
    pictures: Sequence[np.ndarray],
    labels: Sequence[str],
    *,
    columns: int,
    across: Sequence[str] = (),
    down: Sequence[str] = (),
    title: str = "",
    note: str = "",
    scale: int = 1,
    text_size: int = 12,
    gap: int = 4,
) -> np.ndarray:
    """Pictures in rows, each with its label below, under a title and over a note: (H, W, 3) uint8 RGB.

    pictures: (h, w, 3) uint8 RGB, all of one size, shown `scale` times as large.
    labels: one to each, of one line or several; a line that is too wide is shortened.  All empty, they take no room.
    across, down: headings above the columns and to the left of the rows, of one line or several.
    title, note: a narrow grid is made wider for them, to `WORDS_WIDTH` at most.
    """
    if len(pictures) != len(labels) or not pictures:
        raise ValueError(f"{len(labels)} labels for {len(pictures)} pictures: give one to each of one or more")
    if columns < 1 or scale < 1:
        raise DgnamError(f"columns {columns} and scale {scale}: give whole numbers, 1 or more")
    font, head = load_font(text_size), load_font(text_size * 1.5)
    height, width = (side * scale for side in pictures[0].shape[:2])
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    line, texts = line_height(text_size), [label.split("\n") for label in labels]
    above, beside = [text.split("\n") for text in across], [text.split("\n") for text in down]
    left = min(HEADING_WIDTH, max((math.ceil(font.getlength(text)) + gap for one in beside for text in one), default=0))
    first = 2 * line if title else gap
    top = first + line * max(map(len, above), default=0)
    cell = height + line * (max(map(len, texts)) if any(labels) else 0) + gap
    words = max(math.ceil(head.getlength(title)), math.ceil(font.getlength(note))) + 2 * gap
    broad = max(left + columns * (width + gap) + gap, min(words, WORDS_WIDTH))
    sheet = Image.new("RGB", (broad, top + rows * cell + (line if note else 0) + gap), PAPER)
    draw = ImageDraw.Draw(sheet)
    if title:
        draw.text((gap, line // 4), fit(title, sheet.width - 2 * gap, head), fill=INK, font=head)
    for column, lines in enumerate(above):
        write_lines(draw, (left + gap + column * (width + gap), first, width), lines, text_size)
    for row, lines in enumerate(beside):
        write_lines(
            draw, (gap, top + row * cell + max(0, (height - line * len(lines)) // 2), left - gap), lines, text_size
        )
    for k, (picture, lines) in enumerate(zip(pictures, texts, strict=True)):
        x, y = left + gap + (k % columns) * (width + gap), top + (k // columns) * cell
        sheet.paste(Image.fromarray(picture).resize((width, height), Image.Resampling.BICUBIC), (x, y))
        write_lines(draw, (x, y + height, width), lines, text_size)
    if note:
        draw.text((gap, top + rows * cell), fit(note, sheet.width - 2 * gap, font), fill=INK, font=font)
    return np.asarray(sheet)
