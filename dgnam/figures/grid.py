"""A grid of labelled pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_INK, _PAPER = (20, 20, 20), (255, 255, 255)


def labelled_grid(
    pictures: Sequence[np.ndarray],
    labels: Sequence[str],
    *,
    columns: int,
    title: str = "",
    note: str = "",
    scale: int = 1,
    text_size: int = 12,
    gap: int = 4,
) -> np.ndarray:
    """Pictures in rows, each with its label below, under a title and over a note: (H, W, 3) uint8 RGB.

    pictures: (h, w, 3) uint8 RGB, all of one size, shown `scale` times as large.
    labels: one to each; one that is too wide is shortened.
    """
    if len(pictures) != len(labels) or not pictures:
        raise ValueError(f"{len(labels)} labels for {len(pictures)} pictures: give one to each of one or more")
    font, head = ImageFont.load_default(text_size), ImageFont.load_default(text_size * 1.5)
    height, width = (side * scale for side in pictures[0].shape[:2])
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    line = int(text_size * 1.5)
    top = 2 * line if title else gap
    cell = height + line + gap
    sheet = Image.new("RGB", (columns * (width + gap) + gap, top + rows * cell + (line if note else 0) + gap), _PAPER)
    draw = ImageDraw.Draw(sheet)
    if title:
        draw.text((gap, line // 4), _fit(title, sheet.width - 2 * gap, head), fill=_INK, font=head)
    for k, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
        x, y = gap + (k % columns) * (width + gap), top + (k // columns) * cell
        sheet.paste(Image.fromarray(picture).resize((width, height), Image.Resampling.BICUBIC), (x, y))
        text = _fit(label, width, font)
        draw.text((x + (width - font.getlength(text)) / 2, y + height), text, fill=_INK, font=font)
    if note:
        draw.text((gap, top + rows * cell), _fit(note, sheet.width - 2 * gap, font), fill=_INK, font=font)
    return np.asarray(sheet)


def _fit(text: str, width: float, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    """The text, cut short with an ellipsis where it is wider than `width` pixels."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text.rstrip() + "…"
