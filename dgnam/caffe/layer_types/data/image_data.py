"""ImageData: image files and labels from a listing."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ....errors import naming
from ....files.paths import looked_up
from ...images.cv_codec import read_image
from ...images.cv_resize import resize_bilinear
from ...images.listing import Entry, read_listing
from ...layer import register
from .batch_layer import Batch, BatchLayer

_MOST_NUMBERS = 2**31 - 1
"""What a blob holds at most."""


@register("ImageData")
class ImageData(BatchLayer):
    """The images of the listing `source`, in order or, with `shuffle`, in a new random order each epoch.

    `root_folder` is prepended to each path as is.  Files that are not there from the working directory are looked for
    from the listing's folder.  A batch has the shape of its first image.
    """

    options_field = "image_data_param"
    _entries: list[Entry]
    _at: int

    def needs_random(self, phase: int) -> bool:
        return self.options.shuffle or self.options.rand_skip > 0 or super().needs_random(phase)

    def begin(self, phase: int) -> tuple[int, int, int]:
        options = self.options
        if (options.new_height == 0) != (options.new_width == 0):
            raise self.fail("needs both new_height and new_width, or neither")
        if 3 * options.new_height * options.new_width > _MOST_NUMBERS:
            raise self.fail(f"images of {options.new_height}x{options.new_width} are larger than a blob can be")
        self._entries = read_listing(options.source)
        self._shuffle()
        self._at = int(self.random.integers(options.rand_skip)) if options.rand_skip else 0
        if self._at >= len(self._entries):
            raise self.fail(f"can't skip {self._at} images (rand_skip): {options.source} lists {len(self._entries)}")
        image, what = self._read(self._entries[self._at], resize=False)
        if options.new_height:
            # Only the shape counts here, and the new one may be of gigabytes.
            image = np.broadcast_to(np.uint8(0), (image.shape[0], options.new_height, options.new_width))
        return self.transformer.shape(image, what)

    def load(self) -> Batch:
        batch: Batch | None = None
        for index in range(self.options.batch_size):
            entry = self._entries[self._at]
            image, what = self._read(entry)
            if batch is None:
                batch = self.empty_batch(self.transformer.shape(image, what))
            self.put(batch, index, self.transformer.transform(image, what), entry.label, what)
            self._at += 1
            if self._at == len(self._entries):
                self._at = 0
                self._shuffle()
        assert batch is not None
        return batch

    def _shuffle(self) -> None:
        if self.options.shuffle:
            self._entries = [self._entries[i] for i in self.random.permutation(len(self._entries))]

    def _read(self, entry: Entry, *, resize: bool = True) -> tuple[np.ndarray, str]:
        """An image (C, H, W), and what to call it in errors."""
        options = self.options
        path = looked_up(options.root_folder + entry.path, Path(options.source).parent)
        place = f"{options.source}, line {entry.line}"
        with naming(place):
            image = read_image(path, gray=not options.is_color)
            if options.new_height and resize:
                image = resize_bilinear(image, options.new_height, options.new_width)
        return image.transpose(2, 0, 1), f"{place}: {path}"
