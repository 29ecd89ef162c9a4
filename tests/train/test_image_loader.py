"""Training loader: epochs, repetition, the prefetching thread."""

import time
from dataclasses import replace

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


def small(layer=LAYER, count=20, size=(14, 15)):
    pictures = np.random.default_rng(0).integers(0, 256, (count, *size, 3)).astype(np.uint8)
    return ImageLoader(Dataset.of_arrays("few", pictures, np.arange(count)), layer, 5)


def test_windows_lie_anywhere_and_half_are_mirrored():
    loader = small()
    found = [loader.chosen(number) for number in range(60)]
    tops, lefts, mirror = (np.concatenate([one[place] for one in found]) for place in (1, 2, 3))
    assert set(tops.tolist()) == {0, 1, 2}
    assert set(lefts.tolist()) == {0, 1, 2, 3}
    assert 0.42 < mirror.mean() < 0.58
    assert not small(replace(LAYER, mirror=False)).chosen(0)[3].any()


def test_each_epoch_has_an_order_of_its_own_and_no_picture_twice():
    loader = small(replace(LAYER, batch_size=6))
    epochs = [np.concatenate([loader.chosen(3 * epoch + k)[0] for k in range(3)]) for epoch in range(2)]
    assert [len(set(one.tolist())) for one in epochs] == [18, 18]
    assert epochs[0].tolist() != epochs[1].tolist()
    order = np.random.default_rng((5, 1)).permutation(20)
    assert epochs[1].tolist() == order[:18].tolist()
    draws = {float(loader.draw(number).random()) for number in range(4)}
    assert len(draws) == 4
    assert loader.draw(2).random() == np.random.default_rng((5, 2, 1)).random()


def test_in_order_pictures_come_around():
    loader = small(replace(LAYER, batch_size=8))
    labels = [loader.in_order(number)[1].tolist() for number in range(3)]
    assert labels == [list(range(8)), list(range(8, 16)), [16, 17, 18, 19, 0, 1, 2, 3]]
    assert loader.in_order(0)[0].shape == (8, 3, 12, 12)


def test_as_large_as_the_pictures_and_as_many():
    loader = small(replace(LAYER, crop_size=14, batch_size=20))
    assert sorted(loader.chosen(1)[0].tolist()) == list(range(20))
    assert not loader.chosen(0)[1].any()
    for wrong in ({"crop_size": 15}, {"batch_size": 21}):
        with pytest.raises(DataError):
            small(replace(LAYER, **wrong))


def test_four_batches_are_made_ahead(monkeypatch):
    made, loader = [], small()
    monkeypatch.setattr(ImageLoader, "prepared", lambda self, number: made.append(number) or (number, number))
    stream = loader.stream(0, 50)
    next(stream)
    deadline = time.monotonic() + 5
    while len(made) < 6 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.05)
    assert len(made) == 6  # one taken, four that wait, and one in hand
    stream.close()
    assert list(loader.stream(3, 3)) == []
