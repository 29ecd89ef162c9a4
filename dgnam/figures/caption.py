"""Text on figures: cut short or broken into lines so that it fits under a picture."""

from __future__ import annotations

import functools
from bisect import bisect_right
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

INK, PAPER = (20, 20, 20), (255, 255, 255)


@functools.cache
def load_font(size: float) -> Font:
    """The font of all figures, `size` pixels high; Pillow's own, so that bytes repeat on every machine."""
    return ImageFont.load_default(size)


def line_height(text_size: int) -> int:
    """How many pixels a line of text takes."""
    return int(text_size * 1.5)


def fit(text: str, width: float, font: Font) -> str:
    """The text, cut short with an ellipsis where it is wider than `width` pixels."""
    if font.getlength(text) <= width:
        return text
    kept = bisect_right(range(len(text)), width, key=lambda count: font.getlength(text[:count] + "…")) - 1
    return text[: max(0, kept)].rstrip() + "…"


def wrap(text: str, width: float, font: Font) -> list[str]:
    """The text in lines of at most `width` pixels, broken at line ends and, where it must be, at double blanks.

    What lies between two such places stays whole: "step 12  activation 34.1" becomes one line or two.
    """
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for part in paragraph.split("  "):
            longer = f"{line}  {part}" if line else part
            if line and font.getlength(longer) > width:
                lines.append(line)
                longer = part
            line = longer
        lines.append(line)
    return lines


def activation_caption(step: int, activation: float) -> str:
    """What is said of a step: "step 12  activation 34.1"; below 1 with three decimals."""
    return f"step {step}  activation {activation:.{1 if abs(activation) >= 1 else 3}f}"


def write_lines(draw: ImageDraw.ImageDraw, box: tuple[int, int, int], lines: Sequence[str], text_size: int) -> None:
    """Write lines, each in the middle of `box`: its left, its top and its width; one that is too wide is cut short."""
    left, top, width = box
    font = load_font(text_size)
    for row, line in enumerate(lines):
        text = fit(line, width, font)
        at = (left + (width - font.getlength(text)) / 2, top + row * line_height(text_size))
        draw.text(at, text, fill=INK, font=font)


def captioned(picture: np.ndarray, lines: Sequence[str], text_size: int, rows: int) -> np.ndarray:
    """A picture (h, w, 3) uint8 RGB over a strip with room for `rows` lines, in which `lines` are written."""
    height, width = picture.shape[:2]
    sheet = Image.new("RGB", (width, height + rows * line_height(text_size)), PAPER)
    sheet.paste(Image.fromarray(picture), (0, 0))
    write_lines(ImageDraw.Draw(sheet), (0, height, width), lines[:rows], text_size)
    return np.asarray(sheet)
