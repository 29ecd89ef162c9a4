"""Data layers of training definitions: their options, read so that the trainers make the batches themselves.

A training definition starts with an ImageData or a Data layer, or with a Python layer, `clip_data.py` or
`augmented_data.py`.  The trainers read from it the dataset, the batch size, crop and mirroring, and put an Input layer
in its place.
"""

from __future__ import annotations

import functools
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ..caffe.proto import pb, read_blobproto
from ..caffe.wiring.build import filter_layers
from ..data.clip_text import read_clip_text
from ..data.clips import ClipOptions, Clips
from ..data.dataset import Dataset, Indexed, open_dataset
from ..data.named_set import DATA_VARIABLE
from ..data.picture import DataError
from ..data.preprocessing import Size, center_crop, preprocess
from ..errors import DgnamError
from ..files.paths import StrPath, looked_up
from .augmentation import Augmentation
from .augmented_text import read_augmented_text

CLIP_DATA = ("dgnam.train.clip_data", "ClipData")
AUGMENTED_DATA = ("dgnam.train.augmented_data", "AugmentedData")
"""Module and class of the Python layers whose options are read here."""

IN_MEMORY = 4 << 30
"""The most bytes of decoded pictures that are kept in memory; larger datasets are read as they are needed."""


@dataclass(frozen=True)
class DataLayer:
    """The options of a data layer: the dataset, the batch size, the crop, mirroring and the mean (BGR).

    source: the dataset, as `open_dataset` takes it.
    crop_size: the side of the square that is cut out; 0 takes the pictures whole.
    mean: zero if the layer has none.
    scale: multiplies the values once the mean is subtracted.
    root: put before a listing's paths, which then count from the working directory or else from the listing's folder;
        None takes the listing's folder.
    resize: (height, width) of the pictures before the crop; None takes them as they are.
    mean_file: a mean image of the pictures' size, in place of `mean`; relative to the working directory.
    clips: how clips are made of the pictures, `batch_size` of them in a batch; None takes the pictures.
    gray: whether the net takes one channel of gray; pictures and means have it three times.
    augmentation: how training pictures are varied; None crops them as they are.
    whole: height and width of the pictures if there is no crop_size.
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
    augmentation: Augmentation | None = None
    whole: Size = (0, 0)

    @property
    def window(self) -> Size:
        """Height and width of what the net takes."""
        return (self.crop_size, self.crop_size) if self.crop_size else self.whole

    @property
    def channels(self) -> int:
        return 1 if self.gray else 3

    @property
    def frames(self) -> int:
        """The number of pictures to one label."""
        return 1 if self.clips is None else self.clips.frames

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """The shapes of a batch of images and of their labels."""
        return (self.frames * self.batch_size, self.channels, *self.window), (self.batch_size,)

    def load(self, folder: StrPath | None = None) -> Indexed:
        """The pictures, as `open_dataset` finds them in the data folder, or the clips made of them.

        At most `IN_MEMORY` bytes of pictures are decoded at once and kept.
        """
        dataset = self.opened(folder)
        stored = dataset.stored_channels
        if stored not in (None, self.channels):
            raise DataError(f"{self.source}: has {stored} channels; needed are {self.channels}")
        if self.crop_size == 0 and dataset.size != self.whole:
            raise DataError(f"{self.source}: its pictures are {dataset.size}, and were {self.whole} before")
        pictures = small_in_memory(dataset)
        return pictures if self.clips is None else Clips(pictures, self.clips)

    def opened(self, folder: StrPath | None = None) -> Dataset:
        """The pictures, not yet read."""
        return open_dataset(self.source, folder=folder, root=self.root, resize=self.resize, gray=self.gray)

    def prepared(self, images: np.ndarray, means: np.ndarray | None = None) -> np.ndarray:
        """Pictures as the net takes them: (N, H, W, 3) uint8 RGB → (N, channels, H, W) float32 BGR.

        means: the part of the mean image under each picture, RGB, of the pictures' shape; None takes `mean`.
        """
        values = preprocess(images, self.mean if means is None else (0, 0, 0))
        if means is not None:
            values -= means[..., ::-1].transpose(0, 3, 1, 2)
        values = np.ascontiguousarray(values[:, : self.channels])
        return values if self.scale == 1 else values * np.float32(self.scale)

    def centers(self, images: np.ndarray) -> np.ndarray:
        """The middle of each picture as the net takes it."""
        mean = self.mean_image((images.shape[1], images.shape[2]))
        return self.prepared(
            center_crop(images, self.window), None if mean is None else center_crop(mean[None], self.window)
        )

    def mean_image(self, size: tuple[int, int]) -> np.ndarray | None:
        """The mean image, (H, W, 3) float32 RGB of the pictures' size; None if there is no file."""
        if self.mean_file is None:
            return None
        mean = _read_mean(self.mean_file, self.channels)
        if mean.shape[:2] != size:
            raise DgnamError(
                f"the mean image {self.mean_file} is {mean.shape[0]}x{mean.shape[1]}, and the pictures of "
                f"'{self.source}' are {size[0]}x{size[1]}"
            )
        return mean


def small_in_memory(dataset: Dataset) -> Dataset:
    """The dataset decoded, if it takes at most `IN_MEMORY` bytes; otherwise as it is."""
    height, width = dataset.size
    return dataset.in_memory() if len(dataset) * height * width * 3 <= IN_MEMORY else dataset


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


def split_data_layer(
    definition: pb.NetParameter,
    phase: pb.Phase,
    folder: StrPath | None = None,
    near: StrPath | None = None,
    state: pb.NetState | None = None,
) -> tuple[DataLayer, pb.NetParameter]:
    """The options of the data layer of `phase`, and the net of that phase with an Input layer in its place.

    folder: the data folder, since the pictures themselves say whether they are gray and, without a crop_size, their
        size.
    near: the folder of the definition, where files are looked for that are neither in the working directory nor in the
        data folder.
    state: the level and stages that the layers' rules test; None for none.
    """
    wanted = pb.NetState(phase=phase)
    if state is not None:
        wanted.MergeFrom(state)
    net = filter_layers(definition, wanted)
    found = [layer for layer in net.layer if layer.type in ("ImageData", "Data") or _python_reader(layer) is not None]
    if len(found) != 1:
        when = pb.Phase.Name(phase)
        raise DgnamError(
            f"net '{net.name}' must have one ImageData or Data layer, or Python layer {'.'.join(CLIP_DATA)} or "
            f"{'.'.join(AUGMENTED_DATA)}, in phase {when}, not {len(found)}; `dgnam caffe train` trains with others"
        )
    layer = found[0]
    read = _python_reader(layer)
    try:
        options = _options(layer, folder, near) if read is None else read(layer.python_param.param_str)
    except DgnamError as error:
        raise DgnamError(f"net '{net.name}', layer '{layer.name}': {error}") from None
    if len(layer.top) != 2:
        what = "frames" if options.clips is not None else "pictures"
        raise DgnamError(
            f"net '{net.name}', layer '{layer.name}': must have 2 tops here, the {what} and the labels, not "
            f"{len(layer.top)}; `dgnam caffe train` trains other nets"
        )
    entry = pb.LayerParameter(name=layer.name, type="Input", top=layer.top)
    for shape in options.shapes:
        entry.input_param.shape.add(dim=shape)
    layer.CopyFrom(entry)
    return options, net


def _python_reader(layer: pb.LayerParameter) -> Callable[[str], DataLayer] | None:
    """What reads the param_str of a Python data layer; None for other layers."""
    if layer.type != "Python":
        return None
    readers = {CLIP_DATA: clip_layer, AUGMENTED_DATA: augmented_layer}
    return readers.get((layer.python_param.module, layer.python_param.layer))


def clip_layer(text: str) -> DataLayer:
    """The options of a `ClipData` layer, from its param_str; see `read_clip_text`."""
    read = read_clip_text(text)
    window = read.options.window
    return DataLayer(read.source, read.clips, window, read.mirror, read.mean, resize=read.resize, clips=read.options)


def augmented_layer(text: str) -> DataLayer:
    """The options of an `AugmentedData` layer, from its param_str; see `read_augmented_text`."""
    read = read_augmented_text(text)
    options = read.source, read.batch_size, read.crop_size, read.mirror, read.mean
    return DataLayer(*options, augmentation=read.augmentation)


def _options(layer: pb.LayerParameter, folder: StrPath | None, near: StrPath | None) -> DataLayer:
    """The options of an ImageData or Data layer; raises DgnamError for those that the trainers don't support."""
    transform, images = layer.transform_param, layer.image_data_param
    options = images if layer.type == "ImageData" else layer.data_param
    if transform.mean_file and transform.mean_value:
        raise DgnamError("transform_param has both mean_file and mean_value; give one")
    if transform.force_color and transform.force_gray:
        raise DgnamError("transform_param has both force_color and force_gray; give one")
    if transform.force_gray and layer.type == "ImageData":
        raise DgnamError("force_gray is for Data layers; of an ImageData layer is_color: false gives gray pictures")
    if bool(images.new_height) != bool(images.new_width):
        raise DgnamError("give new_height and new_width together")
    data = os.environ.get(DATA_VARIABLE) if folder is None else folder
    places = [place for place in (data, near) if place is not None]
    source = _source(options.source, folder, near)
    gray = not images.is_color if layer.type == "ImageData" else _is_gray(source, folder, transform)
    made = DataLayer(
        source,
        options.batch_size,
        transform.crop_size,
        transform.mirror,
        _mean(list(transform.mean_value), gray),
        transform.scale,
        root=looked_up(images.root_folder, *places) if images.root_folder else _root(source, folder),
        resize=(images.new_height, images.new_width) if images.new_height else None,
        mean_file=looked_up(transform.mean_file, *places) if transform.mean_file else None,
        gray=gray,
    )
    return made if transform.crop_size else replace(made, whole=made.opened(folder).size)


def _source(source: str, folder: StrPath | None, near: StrPath | None) -> str:
    """The text that `open_dataset` takes: the layer's own, or the path in `near` if only that is there."""
    beside = None if near is None or os.path.exists(source) else os.path.join(near, source)
    if beside is None or not os.path.exists(beside):
        return source
    try:
        open_dataset(source, folder=folder)
    except DataError:
        return beside
    return source


def _root(source: str, folder: StrPath | None) -> str | None:
    """What is put before a listing's paths: nothing, as in Caffe, so that they count from the working directory too."""
    try:
        open_dataset(source, folder=folder, root="")
    except (DgnamError, OSError):  # not a listing, or none that is there
        return None
    return ""


def _mean(values: list[float], gray: bool) -> tuple[float, float, float]:
    if len(values) > 1 and (gray or len(values) != 3):
        choice = "one mean_value of gray pictures" if gray else "3 mean_value entries (B, G, R) or one"
        raise DgnamError(f"give {choice}, not {len(values)}")
    blue, green, red = values if len(values) == 3 else (values or [0.0]) * 3
    return blue, green, red


def _is_gray(source: str, folder: StrPath | None, transform: pb.TransformationParameter) -> bool:
    """Whether Caffe's layer takes the pictures of a database with one channel; the first one decides.

    Those stored as numbers are taken as they are, encoded ones as the options say or else as they are.
    """
    forced = transform.force_color or transform.force_gray
    try:
        dataset = open_dataset(source, folder=folder)
        stored, native = dataset.stored_channels, dataset.native_channels
    except (DgnamError, OSError):  # `load` says what is wrong
        return transform.force_gray
    if native is None or (forced and stored is None):
        return transform.force_gray
    if forced:
        warnings.warn(f"{source}: force_color and force_gray are for encoded data, and this isn't", stacklevel=2)
    if native not in (1, 3):
        hint = "give force_color or force_gray, or " if stored is None else ""
        raise DataError(
            f"{source}: its pictures have {native} channels, and 1 or 3 are taken here; {hint}use `dgnam caffe train`"
        )
    return native == 1
