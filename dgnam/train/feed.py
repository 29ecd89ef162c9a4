"""What a net's data layer says, and batches made so.

A training definition starts with an ImageData layer.  The trainers read from it which images, how many at once and
how they are cropped and mirrored, put an Input layer in its place, and feed that.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..caffe.errors import CaffeError
from ..caffe.net_build import filter_layers
from ..caffe.proto import pb
from ..data import MEAN_BGR, DataError, ImageSet, crop, preprocess


@dataclass(frozen=True)
class FeedSpec:
    """The data layer's options: the image set, the batch, the square that is cut out, mirroring and the mean (BGR)."""

    source: str
    batch_size: int
    crop_size: int
    mirror: bool
    mean: tuple[float, float, float]


def cut_feed(definition: pb.NetParameter, phase: pb.Phase) -> tuple[FeedSpec, pb.NetParameter]:
    """The data layer of `phase`, and that phase's net with an Input layer in its place."""
    net = filter_layers(definition, pb.NetState(phase=phase))
    feeds = [layer for layer in net.layer if layer.type == "ImageData"]
    if len(feeds) != 1:
        when = pb.Phase.Name(phase)
        raise CaffeError(f"net '{net.name}' must have one ImageData layer in phase {when}, and has {len(feeds)}")
    feed = feeds[0]
    options, transform = feed.image_data_param, feed.transform_param
    if not transform.crop_size:
        raise CaffeError(f"net '{net.name}', layer '{feed.name}': transform_param needs a crop_size")
    mean = tuple(transform.mean_value) if transform.mean_value else MEAN_BGR
    if len(mean) != 3:
        raise CaffeError(f"net '{net.name}', layer '{feed.name}': give 3 mean_value entries (B, G, R), not {len(mean)}")
    spec = FeedSpec(options.source, options.batch_size, transform.crop_size, transform.mirror, mean)
    shapes = [(spec.batch_size, 3, spec.crop_size, spec.crop_size), (spec.batch_size,)]
    entry = pb.LayerParameter(name=feed.name, type="Input", top=feed.top)
    for shape in shapes[: len(feed.top)]:
        entry.input_param.shape.add(dim=shape)
    feed.CopyFrom(entry)
    return spec, net


@dataclass(frozen=True)
class Batches:
    """Training batches, each a function of the seed and its number, so that a resumed run sees the same ones."""

    images: ImageSet
    spec: FeedSpec
    seed: int

    def __post_init__(self) -> None:
        size = min(self.images.images.shape[1:3])
        if size < self.spec.crop_size:
            raise DataError(f"{self.images.name}: crop_size {self.spec.crop_size} is more than its pictures' {size}")
        if len(self.images) < self.spec.batch_size:
            raise DataError(f"{self.images.name}: {len(self.images)} pictures fill no batch of {self.spec.batch_size}")

    def batch(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Batch `number`: uint8 RGB pictures (B, crop, crop, 3) and int64 labels (B,)."""
        per_epoch = len(self.images) // self.spec.batch_size
        epoch, place = divmod(number, per_epoch)
        order = np.random.default_rng((self.seed, epoch)).permutation(len(self.images))
        chosen = order[place * self.spec.batch_size : (place + 1) * self.spec.batch_size]
        draw = np.random.default_rng((self.seed, epoch, place))
        height, width = self.images.images.shape[1:3]
        tops = draw.integers(0, height - self.spec.crop_size + 1, len(chosen))
        lefts = draw.integers(0, width - self.spec.crop_size + 1, len(chosen))
        mirror = draw.random(len(chosen)) < 0.5 if self.spec.mirror else np.zeros(len(chosen), bool)
        return crop(self.images.images[chosen], self.spec.crop_size, tops, lefts, mirror), self.images.labels[chosen]

    def stream(self, first: int, last: int, ahead: int = 4) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Batches first … last - 1, preprocessed to (B, 3, crop, crop) float32 BGR, made ahead by another thread."""
        ready: queue.Queue[tuple[np.ndarray, np.ndarray] | BaseException] = queue.Queue(ahead)
        stop = threading.Event()

        def put(item: tuple[np.ndarray, np.ndarray] | BaseException) -> bool:
            while not stop.is_set():
                try:
                    ready.put(item, timeout=0.1)
                    return True
                except queue.Full:
                    continue
            return False

        def make() -> None:
            try:
                for number in range(first, last):
                    images, labels = self.batch(number)
                    if not put((preprocess(images, self.spec.mean), labels)):
                        return
            except BaseException as error:  # handed to the consumer, who raises it
                put(error)

        maker = threading.Thread(target=make, daemon=True)
        maker.start()
        try:
            for _ in range(first, last):
                item = ready.get()
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            stop.set()
            maker.join()
