"""The pictures for which units are most active, with a planted detector and against a pass by hand."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from dgnam import zoo
from dgnam.am import CaffeTarget, Channel, Diversity, TorchTarget, Unit
from dgnam.data.dataset import Dataset, open_dataset
from dgnam.data.picture import BrokenPictureError, DataError
from dgnam.data.preprocessing import MEAN_BGR, Preprocessing, preprocess
from dgnam.errors import DgnamError
from dgnam.measure.top_images import TopImageMeasurement

PREPARE = Preprocessing((56, 56), (56, 56), np.array(MEAN_BGR, np.float32))
SMALL = Preprocessing((24, 32), (24, 32), np.array(MEAN_BGR, np.float32))


def red_detector():
    """A torch module whose channel 1 is high where a square of 4 pixels is red."""
    conv = nn.Conv2d(3, 2, 4, bias=False)
    nn.init.zeros_(conv.weight)
    conv.weight.data[1] = torch.tensor([1.0, -1.0, -1.0]).view(3, 1, 1) / 16
    return TorchTarget(nn.Sequential(conv), size=(24, 32), mean=0.0, std=1.0)


@pytest.fixture
def planted():
    """Twenty gray pictures, of which some have a red square, the redder the higher its number, and where it is."""
    images = np.random.RandomState(0).randint(90, 110, (20, 24, 32, 3)).astype(np.uint8)
    where = {3: (2, 5), 11: (10, 20), 17: (18, 0)}
    for place, (top, left) in where.items():
        images[place, top : top + 4, left : left + 4] = (100 + 8 * place, 0, 0)
    return Dataset.of_arrays("planted", images, np.arange(20)), where


def test_the_planted_pictures_are_found_where_they_are(planted):
    dataset, where = planted
    found = TopImageMeasurement(red_detector(), [Unit("0", 1)], 3, SMALL, batch_size=7)
    found.add(dataset)
    assert found.places.tolist() == [[17, 11, 3]]
    assert found.positions.tolist() == [[list(where[17]), list(where[11]), list(where[3])]]
    assert found.activations[0] == pytest.approx([(100 + 8 * place) / 255 for place in (17, 11, 3)], abs=1e-4)


def test_a_unit_at_a_position_looks_there_alone(planted):
    dataset, _ = planted
    found = TopImageMeasurement(red_detector(), [Unit("0", 1, (10, 20)), Unit("0", 1)], 2, SMALL)
    found.add(dataset)
    assert found.places[0, 0] == 11
    assert found.positions[0].tolist() == [[10, 20], [10, 20]]
    assert found.places[1].tolist() == [17, 11]


def test_channels_sums_and_layers_equal_a_pass_by_hand():
    target = CaffeTarget(zoo.load("caffenet-mini"))
    images = np.random.RandomState(0).randint(0, 256, (30, 56, 56, 3)).astype(np.uint8)
    units = [
        Unit("fc8", 3),
        Channel("conv3", 5),
        2 * Unit("fc8", 3) - Unit("fc6", 7),
        *(Unit("conv5", k) for k in (2, 9)),
    ]
    found = TopImageMeasurement(target, units, 4, PREPARE, batch_size=8)
    found.add(Dataset.of_arrays("noise", images))
    with torch.no_grad():
        values = target(torch.from_numpy(preprocess(images)), ["fc8", "conv3", "fc6", "conv5"])
    conv5 = values["conv5"].flatten(2).max(2).values
    wanted = torch.stack(
        [
            values["fc8"][:, 3],
            values["conv3"][:, 5].mean((1, 2)),
            2 * values["fc8"][:, 3] - values["fc6"][:, 7],
            conv5[:, 2],
            conv5[:, 9],
        ]
    )
    best = wanted.topk(4)
    assert np.allclose(found.activations, best.values, rtol=1e-4, atol=1e-4)
    assert np.array_equal(found.places, best.indices)
    assert (found.positions[:3] == -1).all()
    assert (found.positions[3:] >= 0).all()


def test_blocks_and_states_go_on(planted):
    dataset, _ = planted
    whole = TopImageMeasurement(red_detector(), [Unit("0", 1)], 5, SMALL, batch_size=4)
    whole.add(dataset)
    first = TopImageMeasurement(red_detector(), [Unit("0", 1)], 5, SMALL, batch_size=4)
    first.add(dataset.part(range(12)))
    second = TopImageMeasurement(red_detector(), [Unit("0", 1)], 5, SMALL, batch_size=4)
    second.restore(first.arrays())
    second.add(dataset.part(range(12, 20)))
    assert second.seen == 20
    for name, values in whole.arrays().items():
        assert np.array_equal(second.arrays()[name], values)


def test_places_count_pictures_that_are_left_out(tmp_path):
    for number in range(6):
        picture = np.full((24, 32, 3), (10 * number, 0, 0), np.uint8)
        Image.fromarray(picture).save(tmp_path / f"{number}.png")
    (tmp_path / "2.png").write_bytes(b"no picture")
    dataset = open_dataset(tmp_path)
    with pytest.raises(BrokenPictureError, match=r"2\.png"):
        TopImageMeasurement(red_detector(), [Unit("0", 1)], 2, SMALL).add(dataset)
    found = TopImageMeasurement(red_detector(), [Unit("0", 1)], 9, SMALL, skip_broken=True, batch_size=2)
    found.add(dataset)
    assert found.places[0].tolist() == [5, 4, 3, 1, 0, -1, -1, -1, -1]
    assert np.isnan(found.activations[0, 5:]).all()
    assert (found.skipped, len(found.reasons)) == (1, 1)


def test_memory_does_not_grow_with_the_pictures(planted):
    dataset, _ = planted
    found = TopImageMeasurement(red_detector(), [Unit("0", 1)], 3, SMALL)
    found.add(dataset)
    size = sum(values.nbytes for name, values in found.arrays().items())
    for _ in range(3):
        found.add(dataset)
    assert sum(values.nbytes for name, values in found.arrays().items()) == size


def test_impossible_units_and_values_are_one_error(planted):
    with pytest.raises(DgnamError, match="has 2 units"):
        TopImageMeasurement(red_detector(), [Unit("0", 2)], 3, SMALL)
    with pytest.raises(DgnamError, match="does not depend on others"):
        TopImageMeasurement(red_detector(), [Unit("0", 1, 0) + Diversity("0")], 3, SMALL)
    broken = red_detector()
    broken.module[0].weight.data[1] = torch.nan
    with pytest.raises(DgnamError, match="planted: picture 0: the value of 0:1 is not finite"):
        TopImageMeasurement(broken, [Unit("0", 1)], 3, SMALL).add(planted[0])
    with pytest.raises(DataError, match="none: no picture could be read"):
        TopImageMeasurement(red_detector(), [Unit("0", 1)], 3, SMALL).check_any("none")


def test_a_token_is_looked_at_alone_and_has_no_position(planted):
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 6, 8, 8), nn.Flatten(2), Transposed(), nn.LayerNorm(6))
    target = TorchTarget(module, size=(24, 32))
    units = [Unit("3", 2, 7), Channel("3", 2)]
    found = TopImageMeasurement(target, units, 3, SMALL, batch_size=6)
    found.add(planted[0])
    images = torch.from_numpy(np.stack([SMALL(picture.read()) for picture in planted[0]]))
    values = target(images, ["3"])["3"].detach()
    for row, expected in enumerate([values[:, 7, 2], values[..., 2].mean(1)]):
        order = expected.argsort(descending=True)[:3]
        assert found.places[row].tolist() == order.tolist()
        assert found.activations[row] == pytest.approx(expected[order].tolist(), abs=1e-5)
    assert (found.positions == -1).all()


class Transposed(nn.Module):
    def forward(self, x):
        return x.transpose(1, 2)


def test_one_picture_is_enough_and_none_is_an_error(planted):
    dataset, _ = planted
    own = TopImageMeasurement(red_detector(), [Unit("0", 1)], 2, SMALL)
    assert own.batch_size == 64
    with pytest.raises(DataError, match=r"^here: no picture could be read$"):
        own.check_any("here")
    own.reasons.append("why")
    with pytest.raises(DataError, match=r"^here: no picture could be read; the first: why$"):
        own.check_any("here")
    sizes = []
    own.add(dataset, limit=1, on_batch=sizes.append)
    own.check_any("here")
    assert sizes == [1]
    assert own.places.tolist() == [[0, -1]]
    assert np.isnan(own.activations[0, 1])
    assert own.positions[0, 1].tolist() == [-1, -1]
