"""Pillow as it was; its pictures' methods are in `..pillow`."""

from __future__ import annotations

from typing import Any

from .. import files, pillow
from ..byte_strings import encoded
from ..items import cut
from .overlay import Overlays


def _pil_image() -> dict[str, Any]:
    from PIL import Image

    def frombytes(mode: str, size: tuple[int, int], data: Any, *given: Any, **named: Any) -> Any:
        return Image.frombytes(mode, size, encoded(data), *given, **named)

    def opened(file: Any, *given: Any, **named: Any) -> Any:
        return Image.open(files.binary(file), *given, **named)

    def new(mode: str, size: Any, *given: Any, **named: Any) -> Any:
        return Image.new(mode, tuple(map(cut, size)), *given, **named)

    return {
        "ANTIALIAS": Image.Resampling.LANCZOS,
        "CUBIC": Image.Resampling.BICUBIC,
        "LINEAR": Image.Resampling.BILINEAR,
        "eval": pillow.point,
        "frombytes": frombytes,
        "fromstring": frombytes,
        "new": new,
        "open": opened,
    }


OVERLAYS: Overlays = {"PIL.Image": _pil_image, "PIL.ImageOps": lambda: pillow.FUNCTIONS}
