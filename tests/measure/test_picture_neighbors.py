"""Nearest pictures in pixels and in layers: planted copies are found, and all equals a pass by hand."""

import numpy as np
import pytest
import torch

from dgnam import zoo
from dgnam.am import CaffeTarget, JointTarget
from dgnam.data.dataset import Dataset
from dgnam.data.picture import DataError
from dgnam.data.preprocessing import MEAN_BGR, Preprocessing, preprocess
from dgnam.errors import DgnamError
from dgnam.measure.layer_codes import LayerCodes
from dgnam.measure.picture_neighbors import PIXELS, NeighborMeasurement, check_spaces

PREPARE = Preprocessing((56, 56), (56, 56), np.array(MEAN_BGR, np.float32))
PICTURES = np.random.RandomState(0).randint(0, 256, (40, 56, 56, 3)).astype(np.uint8)
SPACES = [PIXELS, "conv2", "fc6"]


@pytest.fixture(scope="module")
def target():
    return CaffeTarget(zoo.load("caffenet-mini"))


def measured(target, queries, k=4, spaces=SPACES, **how):
    names = [f"query {number}" for number in range(len(queries))]
    return NeighborMeasurement(target, spaces, preprocess(queries), names, k, PREPARE, **{"batch_size": 16, **how})


def test_copies_are_found_at_distance_0(target):
    found = measured(target, PICTURES[[31, 7]])
    found.add(Dataset.of_arrays("noise", PICTURES))
    assert found.places.shape == found.distances.shape == (3, 2, 4)
    assert found.places[:, :, 0].tolist() == [[31, 7]] * 3
    assert np.abs(found.distances[:, :, 0]).max() < 1e-4
    assert (found.distances[:, :, 1] > 10).all()
    assert (np.diff(found.distances, axis=2) >= 0).all()


def test_shifted_and_mirrored_copies_are_found_in_pixels(target):
    queries = np.stack([np.roll(PICTURES[5], (2, -3), (0, 1)), PICTURES[9, :, ::-1]])
    found = measured(target, queries, spaces=[PIXELS])
    found.add(Dataset.of_arrays("noise", PICTURES))
    assert found.places[0, :, 0].tolist() == [5, 9]
    assert found.distances[0, :, 0].tolist() == [0, 0]
    plain = measured(target, queries, spaces=[PIXELS], shift=0, mirror=False)
    plain.add(Dataset.of_arrays("noise", PICTURES))
    assert (plain.distances[0, :, 0] > 10).all()


def test_layers_equal_a_pass_by_hand(target):
    queries = np.random.RandomState(1).randint(0, 256, (3, 56, 56, 3)).astype(np.uint8)
    found = measured(target, queries, spaces=["conv2", "fc6"], batch_size=7)
    found.add(Dataset.of_arrays("noise", PICTURES))
    with torch.no_grad():
        ours, theirs = (target(torch.from_numpy(preprocess(p)), ["conv2", "fc6"]) for p in (queries, PICTURES))
    for number, layer in enumerate(("conv2", "fc6")):
        distances = torch.cdist(ours[layer].relu().flatten(1).double(), theirs[layer].relu().flatten(1).double())
        best = distances.topk(4, largest=False)
        assert np.array_equal(found.places[number], best.indices)
        assert np.allclose(found.distances[number], best.values, rtol=1e-5)


def test_blocks_and_states_go_on(target):
    whole, first, second = (measured(target, PICTURES[:2]) for _ in range(3))
    whole.add(Dataset.of_arrays("noise", PICTURES))
    first.add(Dataset.of_arrays("noise", PICTURES[:16]))
    second.restore(first.arrays())
    second.add(Dataset.of_arrays("noise", PICTURES[16:]))
    assert np.array_equal(second.places, whole.places)
    assert np.allclose(second.distances, whole.distances, rtol=1e-6)
    assert second.seen == 40


def test_fewer_pictures_than_neighbors(target):
    found = measured(target, PICTURES[:2], k=5)
    found.add(Dataset.of_arrays("noise", PICTURES[:3]))
    assert (found.places[..., 3:] == -1).all()
    assert np.isnan(found.distances[..., 3:]).all()
    with pytest.raises(DataError, match="none: no picture could be read"):
        measured(target, PICTURES[:2]).check_any("none")


def test_several_layers_of_several_targets_come_from_one_pass(target):
    joint = JointTarget(a=target, b=CaffeTarget(zoo.load("judge-mini")))
    images = preprocess(PICTURES[:3])
    found = LayerCodes(joint, ["a.fc6", "b.fc", "a.conv1"])(images, ["x"] * 3)
    assert list(found) == ["a.fc6", "b.fc", "a.conv1"]
    alone = LayerCodes(target, ["fc6"])(images, ["x"] * 3)["fc6"]
    assert np.allclose(found["a.fc6"], alone, atol=1e-4)
    assert (alone >= 0).all()


def test_spaces_are_named_once():
    with pytest.raises(DgnamError, match="space 'fc6' is given twice"):
        check_spaces(["fc6", PIXELS, "fc6"])
    with pytest.raises(DgnamError, match="give pixels or layers"):
        check_spaces([])


def test_batches_are_of_64_and_are_told(target):
    sizes = []
    measurement = NeighborMeasurement(target, ["conv1"], preprocess(PICTURES[:1]), ["q"], 1, PREPARE)
    assert (measurement.batch_size, measurement.shift, measurement.mirror) == (64, 3, True)
    small = measured(target, PICTURES[:20], 1, ["conv1"])  # more queries than a batch
    small.add(Dataset.of_arrays("all", PICTURES), on_batch=sizes.append)
    assert sizes == [16, 16, 8]
    assert small.places[0, :, 0].tolist() == list(range(20))
    one = measured(target, PICTURES[:1], 2, ["conv1"])
    one.add(Dataset.of_arrays("one", PICTURES[:1]))
    one.check_any("one")


def test_no_picture_at_all_is_an_error(target):
    none = measured(target, PICTURES[:1], 1, ["conv1"])
    with pytest.raises(DataError, match=r"^here: no picture could be read$"):
        none.check_any("here")
    none.reasons.append("why")
    with pytest.raises(DataError, match=r"^here: no picture could be read; the first: why$"):
        none.check_any("here")
