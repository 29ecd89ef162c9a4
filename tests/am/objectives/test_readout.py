"""The readout of a batch: each image's own objective, from one pass."""

import pytest
import torch

from dgnam.am import Channel, Direction, Unit
from dgnam.am.objectives import Readout
from dgnam.errors import DgnamError

VALUES = torch.arange(3 * 4 * 2 * 2, dtype=torch.float32).view(3, 4, 2, 2)


class Recorded:
    """A target of one layer with fixed values."""

    size, passes = (1, 1), 0

    def __call__(self, images, layers):
        self.passes += 1
        return {"conv": VALUES}

    def layer_shape(self, layer):
        return (4, 2, 2)


def test_rows_other_than_the_images_raise():
    readout = Readout(Recorded(), [Unit("conv", 1, 0)] * 2, torch.device("cpu"))
    with pytest.raises(DgnamError, match=r"layer 'conv': its first axis is not the batch: 2 images give .*\(3, 4"):
        readout(torch.zeros(2, 3, 1, 1))


@pytest.mark.parametrize("value", [VALUES.numpy(), None])
def test_what_is_no_tensor_raises(value):
    class Untorched(Recorded):
        def __call__(self, images, layers):
            return {"conv": value}

    readout = Readout(Untorched(), [Unit("conv", 1, 0)] * 3, torch.device("cpu"))
    with pytest.raises(DgnamError, match=f"layer 'conv': the target gives a {type(value).__name__} for it"):
        readout(torch.zeros(3, 3, 1, 1))


def test_magnitude_is_that_of_the_numbers_added_up():
    values = {"conv": torch.tensor([[[1.0, -1.0], [2.0, -4.0]]] * 3).view(3, 2, 2, 1)}
    objectives = [Channel("conv", 0), 2 * Unit("conv", 1, (1, 0)) - Channel("conv", 0), Direction("conv", [3, -4])]
    target = Recorded()
    target.layer_shape = lambda layer: (2, 2, 1)
    found = Readout(target, objectives, torch.device("cpu")).magnitude(values)
    assert found.tolist() == pytest.approx([1, 9, 0.6 * 0 + 0.8 * 1])


def test_each_image_has_its_own_objective_in_one_pass():
    target = Recorded()
    objectives = [Unit("conv", 1, (0, 1)), Channel("conv", 2), 2 * Unit("conv", 0, 1) - Channel("conv", 2)]
    found = Readout(target, objectives, torch.device("cpu"))(torch.zeros(3, 3, 1, 1))
    assert found.tolist() == [5, 25.5, 2 * 35 - 41.5]
    assert target.passes == 1
