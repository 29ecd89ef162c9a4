"""Training loader: epochs, repetition, the prefetching thread."""

import numpy as np
import pytest

from dgnam.data.dataset import Dataset, open_dataset
from dgnam.data.picture import DataError
from dgnam.data.preprocessing import preprocess
from dgnam.train.data_layer import DataLayer
from dgnam.train.image_loader import ImageLoader

LAYER = DataLayer("toy-train", 16, 12, True, (104.0, 117.0, 123.0))


def test_different_counts_repeated_pictures_once():
    images = Dataset.of_arrays("few", np.zeros((50, 14, 14, 3), np.uint8), np.zeros(50))
    loader = ImageLoader(images, LAYER, 0)
    assert [loader.different(count) for count in (1, 3)] == [16, 48]
    assert 48 < loader.different(20) <= 50


def test_epochs_cover_all_pictures_and_batches_repeat(data_folder):
    loader = ImageLoader(open_dataset("toy-train", folder=data_folder), LAYER, seed=1)
    per_epoch = 120 // 16
    seen = np.concatenate([loader.batch(k)[1] for k in range(per_epoch)])
    assert len(seen) == per_epoch * 16
    first, again = loader.batch(3), loader.batch(3)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(loader.batch(3)[0], loader.batch(3 + per_epoch)[0])
    assert not np.array_equal(first[0], ImageLoader(loader.dataset, LAYER, seed=2).batch(3)[0])


def test_stream_gives_prepared_batches(data_folder):
    loader = ImageLoader(open_dataset("toy-train", folder=data_folder), LAYER, seed=1)
    for number, (x, y) in enumerate(loader.stream(2, 5), 2):
        images, labels = loader.batch(number)
        assert np.array_equal(x, preprocess(images))
        assert np.array_equal(y, labels)


def test_stream_passes_errors_and_stops_early(data_folder, monkeypatch):
    loader = ImageLoader(open_dataset("toy-train", folder=data_folder), LAYER, seed=1)
    for _ in loader.stream(0, 100):
        break
    monkeypatch.setattr(ImageLoader, "batch", lambda self, number: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        list(loader.stream(0, 3))


def test_small_datasets_are_refused(data_folder):
    images = open_dataset("toy-train", folder=data_folder)
    with pytest.raises(DataError, match="crop_size 20 is more than its pictures' 16"):
        ImageLoader(images, DataLayer("toy-train", 16, 20, True, LAYER.mean), 0)
    with pytest.raises(DataError, match="120 pictures do not fill a batch of 500"):
        ImageLoader(images, DataLayer("toy-train", 500, 12, True, LAYER.mean), 0)
