"""WindowData: object and background windows of images, as for training R-CNN."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ....errors import naming
from ....files.paths import looked_up
from ...blob import Blob
from ...data_transformer import mean_of
from ...images.cv_codec import decode_image, file_bytes
from ...images.cv_resize import resize_bilinear
from ...layer import Context, register
from .batch_layer import Batch, BatchLayer
from .window_file import Window, read_window_file


@dataclass(frozen=True)
class Cut:
    """A window's crop, corners inclusive, and the resulting image size with margins above and to the left."""

    x1: int
    y1: int
    x2: int
    y2: int
    height: int
    width: int
    above: int = 0
    left: int = 0


@register("WindowData")
class WindowData(BatchLayer):
    """Each batch ends with a fraction `fg_fraction` of objects; the other windows are background, labeled 0.

    A window is an object if it overlaps one by at least `fg_threshold`, and background below `bg_threshold`; windows in
    between are ignored.  Each is resized to `crop_size`, with `context_pad` pixels of its surroundings on each side;
    crop_mode "square" first extends the shorter side to the longer.  Pixels outside the image are 0 in the top,
    regardless of the mean.  The mean image is cropped to `crop_size` at an offset derived from its width, and
    subtracted; `scale` is window_data_param's, and transform_param's is ignored, as in Caffe.
    """

    options_field = "window_data_param"
    _objects: list[Window]
    _background: list[Window]
    _mean: np.ndarray | None

    def needs_random(self, phase: int) -> bool:
        return True

    def set_up(self, context: Context, bottoms: Sequence[Blob], tops: Sequence[Blob]) -> None:
        options, size = self.options, self.definition.transform_param.crop_size
        pad = options.context_pad
        if not 0 <= options.fg_fraction <= 1:
            raise self.fail(f"fg_fraction {options.fg_fraction} must lie between 0 and 1")
        if not size:
            raise self.fail("needs a crop_size in transform_param, the size that windows are resized to")
        if 2 * pad >= size:
            raise self.fail(f"context_pad {pad} leaves no room for the window in a crop_size of {size}")
        super().set_up(context, bottoms, tops)

    def begin(self, phase: int) -> tuple[int, int, int]:
        options, size = self.options, self.definition.transform_param.crop_size
        found = read_window_file(options.source)
        self._paths = [looked_up(options.root_folder + path, Path(options.source).parent) for path in found.paths]
        self._sort(found.windows)
        if found.channels != 3:
            raise self.fail(f"{options.source}: its images have {found.channels} channels, and 3 are read, in color")
        self._mean = self._mean_square(size)
        self._cached = [self._file(path) for path in self._paths] if options.cache_images else None
        return (3, size, size)

    def load(self) -> Batch:
        options, size = self.options, self.definition.transform_param.crop_size
        images, labels = batch = self.empty_batch((3, size, size))
        images[:] = 0
        objects = int(np.float32(options.batch_size) * np.float32(options.fg_fraction))
        for i in range(options.batch_size):
            windows = self._background if i < options.batch_size - objects else self._objects
            window = windows[self.random.integers(len(windows))]
            mirrored = self.definition.transform_param.mirror and self.random.integers(2) == 1
            with naming(options.source):
                self._put(images[i], window, bool(mirrored))
            labels[i] = window.label
        return batch

    def _sort(self, windows: Sequence[Window]) -> None:
        """Part objects from background by their overlap, in float32 as the thresholds are."""
        self._objects, self._background = [], []
        for window in windows:
            overlap = np.float32(window.overlap)
            if overlap >= np.float32(self.options.fg_threshold):
                if window.label < 1:
                    raise self.fail(f"{self.options.source}: an object's class is {window.label}; they count from 1")
                self._objects.append(window)
            elif overlap < np.float32(self.options.bg_threshold):
                self._background.append(Window(window.image, 0, 0.0, window.x1, window.y1, window.x2, window.y2))
        if not self._objects or not self._background:
            options = self.options
            raise self.fail(
                f"{options.source}: has {len(self._objects)} windows with an overlap of {options.fg_threshold:.4g} or "
                f"more, and {len(self._background)} below {options.bg_threshold:.4g}; at least one of each is needed"
            )

    def _mean_square(self, size: int) -> np.ndarray | None:
        """Return the mean to subtract: (3, size, size), or values (1 or 3, 1, 1)."""
        param = self.definition.transform_param
        mean = mean_of(param, f"layer '{self.name}' ({self.type})")
        if mean is None or not param.HasField("mean_file"):
            if mean is not None and len(mean) not in (1, 3):
                raise self.fail(f"{len(mean)} mean_value entries; give one, or one for each of 3 channels")
            return mean
        offset = (mean.shape[2] - size) // 2
        square = mean[:, offset : offset + size, offset : offset + size]
        if offset < 0 or square.shape != (3, size, size):
            raise self.fail(
                f"the mean image {param.mean_file} is {mean.shape}: no square of {size} at offset {offset}, {offset}"
            )
        return square

    def _file(self, path: str) -> bytes:
        with naming(self.options.source):
            return file_bytes(path)

    def _put(self, out: np.ndarray, window: Window, mirrored: bool) -> None:
        """Put one window into `out`, (3, size, size) of zeros."""
        path = self._paths[window.image]
        encoded = self._file(path) if self._cached is None else self._cached[window.image]
        image = decode_image(encoded, path, "color")
        options, size = self.options, self.definition.transform_param.crop_size
        cut = cut_of(window, image.shape[:2], size, options.context_pad, options.crop_mode == "square", mirrored)
        rows, columns = image.shape[:2]
        if not (0 <= cut.x1 <= cut.x2 < columns and 0 <= cut.y1 <= cut.y2 < rows):
            corners = (window.x1, window.y1, window.x2, window.y2)
            raise self.fail(f"window {corners} doesn't lie in {path}, which is {columns} wide and {rows} high")
        picture = resize_bilinear(image[cut.y1 : cut.y2 + 1, cut.x1 : cut.x2 + 1], cut.height, cut.width)
        if mirrored:
            picture = picture[:, ::-1]
        place = np.s_[:, cut.above : cut.above + cut.height, cut.left : cut.left + cut.width]
        values = picture.transpose(2, 0, 1).astype(np.float32)
        if self._mean is not None:
            values -= self._mean[place] if self._mean.shape[1] > 1 else self._mean
        out[place] = values * np.float32(options.scale)


def cut_of(window: Window, image: tuple[int, int], size: int, context_pad: int, square: bool, mirrored: bool) -> Cut:
    """Return the crop of a window from an image of (height, width), and its placement, by R-CNN's method.

    Context scales the box about its center by size / (size - 2 context_pad).  The part outside the image is clipped;
    the rest is resized by the same factors and placed at its original position.  A mirrored window has the margin
    missing on the right at its left.
    """
    x1, y1, x2, y2 = window.x1, window.y1, window.x2, window.y2
    if not context_pad and not square:
        return Cut(x1, y1, x2, y2, size, size)
    x1, x2, y1, y2 = _grown(window, np.float32(size) / np.float32(size - 2 * context_pad), square)
    if x1 > x2 or y1 > y2:
        return Cut(x1, y1, x2, y2, size, size)  # inverted, rejected by the caller
    scale_x, scale_y = (np.float32(size) / np.float32(n) for n in (x2 - x1 + 1, y2 - y1 + 1))
    left, above = max(0, -x1), max(0, -y1)
    right, below = max(0, x2 - image[1] + 1), max(0, y2 - image[0] + 1)
    x1, y1, x2, y2 = x1 + left, y1 + above, x2 - right, y2 - below
    width, height = _scaled(x2 - x1 + 1, scale_x), _scaled(y2 - y1 + 1, scale_y)
    left = _scaled(right if mirrored else left, scale_x)
    above = _scaled(above, scale_y)
    return Cut(x1, y1, x2, y2, min(height, size - above), min(width, size - left), above, left)


def _grown(window: Window, factor: np.float32, square: bool) -> tuple[int, int, int, int]:
    """Scale the box about its center, in float32 as in Caffe: x1, x2, y1, y2."""
    half_height = np.float32(window.y2 - window.y1 + 1) / np.float32(2)
    half_width = np.float32(window.x2 - window.x1 + 1) / np.float32(2)
    middle_x, middle_y = np.float32(window.x1) + half_width, np.float32(window.y1) + half_height
    if square:
        half_height = half_width = max(half_height, half_width)
    edges = (
        middle_x - half_width * factor,
        middle_x + half_width * factor,
        middle_y - half_height * factor,
        middle_y + half_height * factor,
    )
    x1, x2, y1, y2 = (_rounded(float(edge)) for edge in edges)
    return x1, x2, y1, y2


def _scaled(length: int, scale: np.float32) -> int:
    return _rounded(float(np.float32(length) * scale))


def _rounded(value: float) -> int:
    """Round to the nearest integer, halves away from zero."""
    return int(math.copysign(math.floor(abs(value) + 0.5), value))
