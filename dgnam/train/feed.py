"""What a net's data layer says, and batches made so.

A training definition starts with an ImageData or a Data layer.  The trainers read from it which images, how many at
once and how they are cropped and mirrored, put an Input layer in its place, and feed that.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Generator
from dataclasses import dataclass

import numpy as np

from ..caffe.errors import CaffeError
from ..caffe.net_build import filter_layers
from ..caffe.proto import pb
from ..data import MEAN_BGR, DataError, crop, preprocess
from .source import Source, load_source


@dataclass(frozen=True)
class FeedSpec:
    """The data layer's options: the image set, the batch, the square that is cut out, mirroring and the mean (BGR).

    scale: what values are multiplied by once the mean is off.
    root: what a listing's paths begin with; None takes the listing's folder.
    resize: (height, width) that pictures are brought to before the crop; None takes them as they are.
    """

    source: str
    batch_size: int
    crop_size: int
    mirror: bool
    mean: tuple[float, float, float]
    scale: float = 1.0
    root: str | None = None
    resize: tuple[int, int] | None = None

    def load(self, folder: str | os.PathLike[str] | None = None) -> Source:
        """The pictures, as `load_source` finds them."""
        return load_source(self.source, folder, root=self.root, resize=self.resize)

    def prepared(self, images: np.ndarray) -> np.ndarray:
        """Pictures as the net takes them: (N, H, W, 3) uint8 RGB → (N, 3, H, W) float32 BGR."""
        values = preprocess(images, self.mean)
        return values if self.scale == 1 else values * np.float32(self.scale)


def cut_feed(definition: pb.NetParameter, phase: pb.Phase) -> tuple[FeedSpec, pb.NetParameter]:
    """The data layer of `phase`, and that phase's net with an Input layer in its place."""
    net = filter_layers(definition, pb.NetState(phase=phase))
    feeds = [layer for layer in net.layer if layer.type in ("ImageData", "Data")]
    if len(feeds) != 1:
        when = pb.Phase.Name(phase)
        raise CaffeError(f"net '{net.name}' must have one ImageData or Data layer in phase {when}, not {len(feeds)}")
    feed = feeds[0]
    try:
        spec = _spec(feed)
    except CaffeError as error:
        raise CaffeError(f"net '{net.name}', layer '{feed.name}': {error}") from None
    shapes = [(spec.batch_size, 3, spec.crop_size, spec.crop_size), (spec.batch_size,)]
    entry = pb.LayerParameter(name=feed.name, type="Input", top=feed.top)
    for shape in shapes[: len(feed.top)]:
        entry.input_param.shape.add(dim=shape)
    feed.CopyFrom(entry)
    return spec, net


def _spec(feed: pb.LayerParameter) -> FeedSpec:
    """The options of an ImageData or Data layer; raises CaffeError for those that the trainers don't have."""
    transform, images = feed.transform_param, feed.image_data_param
    options = images if feed.type == "ImageData" else feed.data_param
    if not transform.crop_size:
        raise CaffeError("transform_param needs a crop_size")
    if transform.mean_file:
        raise CaffeError("mean_file is not supported here; give its channels' means as mean_value")
    if transform.force_gray or (feed.type == "ImageData" and not images.is_color):
        raise CaffeError("gray pictures are not supported here")
    if bool(images.new_height) != bool(images.new_width):
        raise CaffeError("give new_height and new_width together")
    values = tuple(transform.mean_value) if transform.mean_value else MEAN_BGR
    mean = values * 3 if len(values) == 1 else values
    if len(mean) != 3:
        raise CaffeError(f"give 3 mean_value entries (B, G, R) or one, not {len(mean)}")
    size = (images.new_height, images.new_width) if images.new_height else None
    root = images.root_folder if images.root_folder else None
    square, mirror = transform.crop_size, transform.mirror
    return FeedSpec(options.source, options.batch_size, square, mirror, mean, transform.scale, root, size)


@dataclass(frozen=True)
class Batches:
    """Training batches, each a function of the seed and its number, so that a resumed run sees the same ones."""

    images: Source
    spec: FeedSpec
    seed: int

    def __post_init__(self) -> None:
        size = min(self.images.size)
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
        height, width = self.images.size
        tops = draw.integers(0, height - self.spec.crop_size + 1, len(chosen))
        lefts = draw.integers(0, width - self.spec.crop_size + 1, len(chosen))
        mirror = draw.random(len(chosen)) < 0.5 if self.spec.mirror else np.zeros(len(chosen), bool)
        images, labels = self.images.take(chosen)
        return crop(images, self.spec.crop_size, tops, lefts, mirror), labels

    def stream(self, first: int, last: int, ahead: int = 4) -> Generator[tuple[np.ndarray, np.ndarray]]:
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
                    if not put((self.spec.prepared(images), labels)):
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
