"""Batches made on the device are those made on the CPU."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from dgnam.data.clips import ClipOptions
from dgnam.data.dataset import Dataset
from dgnam.errors import DgnamError
from dgnam.train import device_loader
from dgnam.train.augmentation import Augmentation
from dgnam.train.data_layer import DataLayer
from dgnam.train.device_loader import DeviceLoader, fits_on_device, stream_on
from dgnam.train.image_loader import ImageLoader

LAYER = DataLayer("toy-train", 4, 12, True, (104.0, 117.0, 123.0), scale=0.5)


def loader(layer: DataLayer = LAYER) -> ImageLoader:
    pictures = np.random.default_rng(0).integers(0, 256, (10, 16, 16, 3), np.uint8)
    return ImageLoader(Dataset.of_arrays("toy", pictures, np.arange(10)), layer, 3)


@pytest.mark.parametrize("augmentation", [None, Augmentation(0.5, 1.3, 0.2, 0.2, 5)])
def test_they_are_the_cpu_s(augmentation):
    made = loader(replace(LAYER, augmentation=augmentation))
    for number, (images, labels) in enumerate(DeviceLoader(made, "cpu").stream(0, 5)):
        wanted, wanted_labels = made.prepared(number)
        assert np.array_equal(labels.numpy(), wanted_labels)
        assert np.allclose(images.numpy(), wanted)
        assert images.is_contiguous(memory_format=torch.channels_last)


def test_whole_pictures_are_the_cpu_s():
    pictures = np.random.default_rng(0).integers(0, 256, (10, 6, 9, 3), np.uint8)
    layer = replace(LAYER, crop_size=0, whole=(6, 9))
    made = ImageLoader(Dataset.of_arrays("oblong", pictures, np.arange(10)), layer, 3)
    for number, (images, _) in enumerate(DeviceLoader(made, "cpu").stream(0, 3)):
        assert images.shape == (4, 3, 6, 9)
        assert np.allclose(images.numpy(), made.prepared(number)[0])


def test_what_is_made_on_the_cpu_only_is_refused():
    clips = replace(LAYER, clips=ClipOptions(window=12, label="class"))
    assert not fits_on_device(ImageLoader(loader().dataset, replace(LAYER, gray=True), 3))
    for layer in (clips, replace(LAYER, mean_file="mean.binaryproto")):
        made = loader()
        object.__setattr__(made, "layer", layer)
        with pytest.raises(DgnamError, match="on the CPU only"):
            DeviceLoader(made, "cpu")


def test_a_cpu_gets_arrays_from_another_thread():
    images, labels = next(iter(stream_on(loader(), "cpu", 0, 1)))
    assert isinstance(images, np.ndarray)
    assert labels.shape == (4,)


def test_as_many_pictures_as_a_device_holds(monkeypatch):
    made = loader()
    height, width = made.dataset.size
    needed = len(made.dataset) * height * width * 3
    for room, fits in ((needed, True), (needed - 1, False)):
        monkeypatch.setattr(device_loader, "ON_DEVICE", room)
        assert fits_on_device(made) == fits


def test_a_gpu_gets_batches_made_there(monkeypatch):
    made = loader()
    taken = []
    monkeypatch.setattr(
        device_loader, "DeviceLoader", lambda *given: SimpleNamespace(stream=lambda *n: taken.append(n))
    )
    stream_on(made, "cuda", 2, 5)
    assert taken == [(2, 5)]
    monkeypatch.setattr(device_loader, "ON_DEVICE", 0)
    stream_on(made, "cuda", 2, 2).close()
    assert taken == [(2, 5)]
