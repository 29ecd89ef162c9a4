"""Training batches from a dataset: random crops, mirroring and augmentation, prepared ahead by a thread."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from ..data.dataset import Indexed
from ..data.picture import DataError
from ..data.preprocessing import crop
from .data_layer import DataLayer


@dataclass(frozen=True)
class ImageLoader:
    """Training batches; the seed and a batch's number decide it, so that a resumed run sees the same batches."""

    dataset: Indexed
    layer: DataLayer
    seed: int

    def __post_init__(self) -> None:
        size = min(self.dataset.size)
        if size < self.layer.crop_size:
            raise DataError(f"{self.dataset.name}: crop_size {self.layer.crop_size} is more than its pictures' {size}")
        if len(self.dataset) < self.layer.batch_size:
            raise DataError(
                f"{self.dataset.name}: {len(self.dataset)} pictures do not fill a batch of {self.layer.batch_size}"
            )

    def batch(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Batch `number`: uint8 RGB pictures (B, H, W, 3) and int64 labels (B,); of clips all frames."""
        chosen, *windows = self.chosen(number)
        images, labels = self.dataset.take(chosen)
        if self.layer.augmentation is not None:
            return self.layer.augmentation(images, self.layer.crop_size, windows[2], self.draw(number)), labels
        return crop(images, self.layer.window, *(np.tile(each, self.layer.frames) for each in windows)), labels

    def prepared(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Batch `number` as the net takes it, float32 BGR or gray, and its labels; of the layer's `shapes`."""
        images, labels = self.batch(number)
        mean = self.layer.mean_image(self.dataset.size)
        if mean is None:
            return self.layer.prepared(images), labels
        _, *windows = self.chosen(number)
        means = crop(np.broadcast_to(mean, (len(images), *mean.shape)), self.layer.window, *windows)
        return self.layer.prepared(images, means), labels

    def in_order(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """The centers of batch `number` of the pictures in order, as the net takes them; cyclic after the last."""
        places = np.arange(number * self.layer.batch_size, (number + 1) * self.layer.batch_size) % len(self.dataset)
        images, labels = self.dataset.take(places)
        return self.layer.centers(images), labels

    def different(self, count: int) -> int:
        """The number of different pictures, or clips, in batches 0 … count - 1; small datasets repeat."""
        return len({int(place) for number in range(count) for place in self.chosen(number)[0]})

    def draw(self, number: int) -> np.random.Generator:
        """The random numbers of the augmentation of batch `number`."""
        return np.random.default_rng((self.seed, number, 1))

    def chosen(self, number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """The places of the pictures, and for each the crop's top and left and whether it is mirrored."""
        per_epoch = len(self.dataset) // self.layer.batch_size
        epoch, place = divmod(number, per_epoch)
        order = np.random.default_rng((self.seed, epoch)).permutation(len(self.dataset))
        chosen = order[place * self.layer.batch_size : (place + 1) * self.layer.batch_size]
        draw = np.random.default_rng((self.seed, epoch, place))
        (height, width), (rows, columns) = self.dataset.size, self.layer.window
        tops = draw.integers(0, height - rows + 1, len(chosen))
        lefts = draw.integers(0, width - columns + 1, len(chosen))
        mirror = draw.random(len(chosen)) < 0.5 if self.layer.mirror else np.zeros(len(chosen), bool)
        return chosen, tops, lefts, mirror

    def stream(self, first: int, last: int, ahead: int = 4) -> Generator[tuple[np.ndarray, np.ndarray]]:
        """Batches first … last - 1 as `prepared` gives them, made ahead by another thread."""
        ready: queue.Queue[tuple[np.ndarray, np.ndarray] | BaseException] = queue.Queue(ahead)
        stop = threading.Event()

        def put(item: tuple[np.ndarray, np.ndarray] | BaseException) -> bool:
            while not stop.is_set():
                with suppress(queue.Full):
                    ready.put(item, timeout=0.1)
                    return True
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
