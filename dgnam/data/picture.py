"""One picture of a dataset, decoded when it is read, and the errors of datasets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..errors import DgnamError, FormatError, shortened

LARGEST_FILE = 1 << 28
"""The most bytes of a picture file."""

_LONGEST_NAME = 1000

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".ppm", ".pgm", ".tif", ".tiff", ".webp", ".jp2")
"""Which files of a folder, or of a zip without a listing, are pictures; in capitals too."""


class DataError(FormatError):
    """A dataset is missing or broken; the message names it, the places searched, and the remedy."""


class BrokenPictureError(DataError):
    """A picture is missing or unreadable; the message names it.  The other pictures of its dataset can be read."""


@dataclass(frozen=True)
class Picture:
    """A picture that is not yet read.

    name: its file, or its dataset and its key there, as errors call it.
    load_with: decodes the picture, gray if the argument is true, and returns it with its label.
    label_of: finds the label without decoding the picture.
    stored: reads its bytes as they are stored.
    stamp: tells it from another in its place without reading it, as far as that can be: its size in bytes, in a zip its
        CRC too.
    """

    name: str
    load_with: Callable[[bool], tuple[np.ndarray, int | None]]
    label_of: Callable[[], int | None] = lambda: None
    stored: Callable[[], bytes] = bytes
    stamp: Callable[[], object] = lambda: None

    @property
    def label(self) -> int | None:
        """The index of its class; None without one."""
        return self.label_of()

    def read(self, gray: bool = False) -> np.ndarray:
        """Its pixels, (H, W, 3) RGB or, with `gray`, (H, W, 1); uint8, or float32 from a database of floats.

        Raises BrokenPictureError.
        """
        return self.load(gray)[0]

    def load(self, gray: bool = False) -> tuple[np.ndarray, int | None]:
        """Its pixels as `read` returns them, and its label; a database is read only once for both."""
        try:
            return self.load_with(gray)
        except BrokenPictureError:
            raise
        except (DgnamError, OSError) as error:
            reason = str(error)
            name = shortened(self.name, _LONGEST_NAME)
            raise BrokenPictureError(reason if self.name in reason else f"{name}: {reason}") from None


def is_picture(name: str) -> bool:
    """Whether the path `name` has a picture's suffix and is not hidden, nor what macOS adds to zips."""
    parts = name.split("/")
    return name.lower().endswith(SUFFIXES) and not parts[-1].startswith(".") and parts[0] != "__MACOSX"
