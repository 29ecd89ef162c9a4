"""Results that show themselves as one picture, in a notebook or in the system's picture viewer."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod

import numpy as np
from PIL import Image

from ..files.encode import png


class Shown(ABC):
    """A result that has a picture, and a title, which some viewers show."""

    title: str

    @abstractmethod
    def grid(self) -> np.ndarray:
        """The picture, or its first page, (H, W, 3) uint8 RGB."""

    def show(self) -> None:
        """Show the picture: in a notebook below the cell, elsewhere in the system's picture viewer."""
        picture = Image.fromarray(self.grid())
        ipython = sys.modules.get("IPython")
        if ipython is not None and ipython.get_ipython() is not None:
            ipython.display.display(picture)
        else:
            picture.show(title=self.title)

    def _repr_png_(self) -> bytes:
        """What a notebook shows."""
        return png(self.grid())
