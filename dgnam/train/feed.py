"""What a net's data layer says, and batches made so.

A training definition starts with an ImageData or a Data layer, or with the Python layer `clip_data.py`.  The trainers
read from it which images, how many at once and how they are cropped and mirrored, put an Input layer in its place, and
feed that.
"""

from __future__ import annotations

import functools
import os
import queue
import threading
from collections.abc import Generator
from dataclasses import dataclass

import numpy as np

from ..caffe.proto import pb, read_blobproto
from ..caffe.wiring.build import filter_layers
from ..data.clip_text import read_clip_text
from ..data.clips import ClipOptions, Clips
from ..data.image_set import DataError, centre_crop, crop, preprocess
from ..data.source import Source, load_source
from ..errors import DgnamError

CLIP_DATA = ("dgnam.train.clip_data", "ClipData")
"""Module and class of the Python layer whose options are read here."""


@dataclass(frozen=True)
class FeedSpec:
    """The data layer's options: the image set, the batch, the square that is cut out, mirroring and the mean (BGR).

    mean: zero where the layer has none.
    scale: what values are multiplied by once the mean is off.
    root: what a listing's paths begin with; None takes the listing's folder.
    resize: (height, width) that pictures are brought to before the crop; None takes them as they are.
    mean_file: a mean image of the pictures' size, in place of `mean`, from the working directory on.
    clips: how clips are made of the pictures, of which a batch then has `batch_size`; None feeds the pictures.
    gray: whether the net takes one channel of gray; pictures and means have it three times.
    """

    source: str
    batch_size: int
    crop_size: int
    mirror: bool
    mean: tuple[float, float, float]
    scale: float = 1.0
    root: str | None = None
    resize: tuple[int, int] | None = None
    mean_file: str | None = None
    clips: ClipOptions | None = None
    gray: bool = False

    @property
    def channels(self) -> int:
        return 1 if self.gray else 3

    @property
    def frames(self) -> int:
        """How many pictures go with one label."""
        return 1 if self.clips is None else self.clips.frames

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Of a batch of pictures, and of their labels."""
        return (self.frames * self.batch_size, self.channels, self.crop_size, self.crop_size), (self.batch_size,)

    def load(self, folder: str | os.PathLike[str] | None = None) -> Source:
        """The pictures, as `load_source` finds them, or the clips made of them."""
        pictures = load_source(self.source, folder, root=self.root, resize=self.resize, gray=self.gray)
        return pictures if self.clips is None else Clips(pictures, self.clips)

    def prepared(self, images: np.ndarray, means: np.ndarray | None = None) -> np.ndarray:
        """Pictures as the net takes them: (N, H, W, 3) uint8 RGB → (N, channels, H, W) float32 BGR.

        means: the mean image's part that each is cut from, RGB, of the pictures' shape or of one; None takes `mean`.
        """
        values = preprocess(images, self.mean if means is None else (0, 0, 0))
        if means is not None:
            values -= means[..., ::-1].transpose(0, 3, 1, 2)
        values = np.ascontiguousarray(values[:, : self.channels])
        return values if self.scale == 1 else values * np.float32(self.scale)

    def centres(self, images: np.ndarray) -> np.ndarray:
        """The middle of each picture as the net takes it."""
        mean = self.mean_image((images.shape[1], images.shape[2]))
        return self.prepared(
            centre_crop(images, self.crop_size), None if mean is None else centre_crop(mean[None], self.crop_size)
        )

    def mean_image(self, size: tuple[int, int]) -> np.ndarray | None:
        """The mean image, (H, W, 3) float32 RGB, which must have the pictures' size; None where there is no file."""
        if self.mean_file is None:
            return None
        mean = _read_mean(self.mean_file, self.channels)
        if mean.shape[:2] != size:
            raise DgnamError(
                f"the mean image {self.mean_file} is {mean.shape[0]}x{mean.shape[1]}, and the pictures of "
                f"'{self.source}' are {size[0]}x{size[1]}"
            )
        return mean


@functools.lru_cache(maxsize=4)
def _read_mean(path: str, channels: int) -> np.ndarray:
    """A mean image, (H, W, 3) RGB; in the file (1, channels, H, W) or (channels, H, W), BGR or one channel of gray."""
    mean = read_blobproto(path)
    if mean.ndim not in (3, 4) or mean.shape[-3] != channels or mean.size != np.prod(mean.shape[-3:]):
        raise DgnamError(
            f"{path}: a mean image has shape (1, {channels}, height, width) or ({channels}, height, width), and this "
            f"one {mean.shape}"
        )
    return np.repeat(mean.reshape(mean.shape[-3:])[::-1].transpose(1, 2, 0), 3 // channels, 2)


def cut_feed(definition: pb.NetParameter, phase: pb.Phase) -> tuple[FeedSpec, pb.NetParameter]:
    """The data layer of `phase`, and that phase's net with an Input layer in its place."""
    net = filter_layers(definition, pb.NetState(phase=phase))
    feeds = [layer for layer in net.layer if layer.type in ("ImageData", "Data") or _is_clip_data(layer)]
    if len(feeds) != 1:
        when = pb.Phase.Name(phase)
        raise DgnamError(
            f"net '{net.name}' must have one ImageData or Data layer, or Python layer {'.'.join(CLIP_DATA)}, in phase "
            f"{when}, not {len(feeds)}"
        )
    feed = feeds[0]
    try:
        spec = clip_spec(feed.python_param.param_str) if _is_clip_data(feed) else _spec(feed)
    except DgnamError as error:
        raise DgnamError(f"net '{net.name}', layer '{feed.name}': {error}") from None
    if spec.clips is not None and len(feed.top) != 2:
        raise DgnamError(
            f"net '{net.name}', layer '{feed.name}': has 2 tops, the frames and the labels, not {len(feed.top)}"
        )
    entry = pb.LayerParameter(name=feed.name, type="Input", top=feed.top)
    for shape in spec.shapes[: len(feed.top)]:
        entry.input_param.shape.add(dim=shape)
    feed.CopyFrom(entry)
    return spec, net


def _is_clip_data(layer: pb.LayerParameter) -> bool:
    return layer.type == "Python" and (layer.python_param.module, layer.python_param.layer) == CLIP_DATA


def clip_spec(text: str) -> FeedSpec:
    """The options of a `ClipData` layer, from its param_str; see `read_clip_text`."""
    read = read_clip_text(text)
    window = read.options.window
    return FeedSpec(read.source, read.clips, window, read.mirror, read.mean, resize=read.resize, clips=read.options)


def _spec(feed: pb.LayerParameter) -> FeedSpec:
    """The options of an ImageData or Data layer; raises DgnamError for those that the trainers don't have."""
    transform, images = feed.transform_param, feed.image_data_param
    options = images if feed.type == "ImageData" else feed.data_param
    if not transform.crop_size:
        raise DgnamError("transform_param needs a crop_size")
    if transform.mean_file and transform.mean_value:
        raise DgnamError("transform_param has both mean_file and mean_value; give one")
    if transform.force_color and transform.force_gray:
        raise DgnamError("transform_param has both force_color and force_gray; give one")
    if transform.force_gray and feed.type == "ImageData":
        raise DgnamError("force_gray is for Data layers; of an ImageData layer is_color: false gives gray pictures")
    gray = transform.force_gray if feed.type == "Data" else not images.is_color
    if bool(images.new_height) != bool(images.new_width):
        raise DgnamError("give new_height and new_width together")
    values = tuple(transform.mean_value) if transform.mean_value else (0.0,)
    mean = values * 3 if len(values) == 1 else values
    if len(mean) != 3 or (gray and len(values) != 1):
        choice = "one mean_value of gray pictures" if gray else "3 mean_value entries (B, G, R) or one"
        raise DgnamError(f"give {choice}, not {len(values)}")
    size = (images.new_height, images.new_width) if images.new_height else None
    root = images.root_folder if images.root_folder else None
    square, mirror, file = transform.crop_size, transform.mirror, transform.mean_file if transform.mean_file else None
    scale = transform.scale
    return FeedSpec(options.source, options.batch_size, square, mirror, mean, scale, root, size, file, gray=gray)


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
        """Batch `number`: uint8 RGB pictures (B, crop, crop, 3) and int64 labels (B,); of clips all frames."""
        chosen, *windows = self._chosen(number)
        images, labels = self.images.take(chosen)
        return crop(images, self.spec.crop_size, *(np.tile(each, self.spec.frames) for each in windows)), labels

    def prepared(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Batch `number` as the net takes it, float32 BGR or gray, and its labels, of the `shapes` of the spec."""
        images, labels = self.batch(number)
        mean = self.spec.mean_image(self.images.size)
        if mean is None:
            return self.spec.prepared(images), labels
        _, *windows = self._chosen(number)
        means = crop(np.broadcast_to(mean, (len(images), *mean.shape)), self.spec.crop_size, *windows)
        return self.spec.prepared(images, means), labels

    def in_order(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """The centres of batch `number` of the pictures in their order, as the net takes them; again after the last."""
        places = np.arange(number * self.spec.batch_size, (number + 1) * self.spec.batch_size) % len(self.images)
        images, labels = self.images.take(places)
        return self.spec.centres(images), labels

    def different(self, count: int) -> int:
        """How many different pictures, or clips, batches 0 … count - 1 show: a small set comes again, cut elsewhere."""
        return len({int(place) for number in range(count) for place in self._chosen(number)[0]})

    def _chosen(self, number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Which pictures, and of each the crop's top and left and whether it is mirrored."""
        per_epoch = len(self.images) // self.spec.batch_size
        epoch, place = divmod(number, per_epoch)
        order = np.random.default_rng((self.seed, epoch)).permutation(len(self.images))
        chosen = order[place * self.spec.batch_size : (place + 1) * self.spec.batch_size]
        draw = np.random.default_rng((self.seed, epoch, place))
        height, width = self.images.size
        tops = draw.integers(0, height - self.spec.crop_size + 1, len(chosen))
        lefts = draw.integers(0, width - self.spec.crop_size + 1, len(chosen))
        mirror = draw.random(len(chosen)) < 0.5 if self.spec.mirror else np.zeros(len(chosen), bool)
        return chosen, tops, lefts, mirror

    def stream(self, first: int, last: int, ahead: int = 4) -> Generator[tuple[np.ndarray, np.ndarray]]:
        """Batches first … last - 1 as `prepared` gives them, made ahead by another thread."""
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
                    if not put(self.prepared(number)):
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
