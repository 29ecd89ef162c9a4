"""What a data layer's source names: sets, their first classes, and these with a modification."""

import numpy as np
import pytest

from dgnam.caffe.errors import CaffeError
from dgnam.data import DataError, load_set
from dgnam.modifications import brg
from dgnam.train.source import half, load_source


def test_a_set_by_name(data_folder):
    loaded, plain = load_source("toy-train", data_folder), load_set("toy-train", data_folder)
    assert np.array_equal(loaded.images, plain.images)
    assert np.array_equal(loaded.labels, plain.labels)


def test_the_first_classes(data_folder):
    whole, some = load_set("toy-train", data_folder), load_source("toy-train[:4]", data_folder)
    assert set(some.labels) == {0, 1, 2, 3}
    assert np.array_equal(some.images, whole.images[whole.labels < 4])


def test_modified_pictures_follow_under_labels_of_their_own(data_folder):
    regular, both = load_source("toy-val[:4]", data_folder), load_source("toy-val[:4]+brg", data_folder)
    assert len(both) == 2 * len(regular)
    first, second = half(both, 0), half(both, 1)
    assert np.array_equal(first.images, regular.images)
    assert np.array_equal(first.labels, regular.labels)
    assert np.array_equal(second.images, brg(regular.images))
    assert np.array_equal(second.labels, regular.labels + 4)
    assert both.name == "toy-val[:4]+brg"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("toy-val[:0]", "no picture is of the first 0 classes"),
        ("toy-val[3]", r"source 'toy-val\[3\]' is not of the form NAME"),
        ("toy-val[:2]+", "is not of the form"),
        ("toy-val+blurry", "there is no modification 'blurry'; there are: blur, "),
        ("toi-train[:2]", "no image set 'toi-train'"),
    ],
)
def test_other_sources_are_clear_errors(source, message, data_folder):
    with pytest.raises((CaffeError, DataError), match=message):
        load_source(source, data_folder)
