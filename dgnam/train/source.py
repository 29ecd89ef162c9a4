"""What a data layer's `source` names: pictures with labels.

tinyimagenet64-train                   a set of the data folder, as `dgnam.data` finds it
tinyimagenet64-train[:100]             only its first 100 classes
tinyimagenet64-train[:100]+shuffled    those, and again as classes 100 … 199 their pictures with a modification
"""

from __future__ import annotations

import os
import re
from dataclasses import replace

import numpy as np

from ..data import DataError, ImageSet, load_set
from ..modifications import modify

_SOURCE = re.compile(r"(?P<base>[^\[\]+]+)(?:\[:(?P<classes>[0-9]{1,9})\])?(?:\+(?P<how>[^\[\]+]+))?")


def load_source(source: str, folder: str | os.PathLike[str] | None = None) -> ImageSet:
    """The pictures that `source` names, decoded; raises DataError or CaffeError where there are none."""
    parts = _SOURCE.fullmatch(source)
    if parts is None:
        raise DataError(f"source '{source}' is not of the form NAME, NAME[:CLASSES] or NAME[:CLASSES]+MODIFICATION")
    images = load_set(parts["base"], folder)
    if parts["classes"] is not None:
        images = first_classes(images, int(parts["classes"]))
    return replace(images if parts["how"] is None else with_modified(images, parts["how"]), name=source)


def first_classes(images: ImageSet, count: int) -> ImageSet:
    """The pictures of classes 0 … count - 1."""
    kept = images.labels < count
    if not kept.any():
        raise DataError(f"{images.name}: no picture is of the first {count} classes")
    return ImageSet(images.name, images.images[kept], images.labels[kept], images.classes[:count])


def with_modified(images: ImageSet, how: str) -> ImageSet:
    """The pictures, and after them the same modified, under labels that follow the regular ones."""
    regular = int(images.labels.max()) + 1
    names = (*images.classes, *(f"{name} ({how})" for name in images.classes))
    both = np.concatenate([images.images, modify(images.images, how)])
    return ImageSet(images.name, both, np.concatenate([images.labels, images.labels + regular]), names)


def half(images: ImageSet, which: int) -> ImageSet:
    """Of a set with modified pictures, the regular ones (0) or the modified ones (1)."""
    middle = len(images) // 2
    part = slice(0, middle) if which == 0 else slice(middle, None)
    return replace(images, images=images.images[part], labels=images.labels[part])
