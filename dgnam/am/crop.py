"""The centre crop, by which a network sees an image larger than its input."""

from __future__ import annotations

from ..data.image_set import centre

Size = tuple[int, int]

__all__ = ["Size", "centre"]
