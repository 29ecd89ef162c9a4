"""The readout of a batch: each image's own objective, from one pass."""

import torch

from dgnam.am import Channel, Unit
from dgnam.am.objectives import Readout

VALUES = torch.arange(3 * 4 * 2 * 2, dtype=torch.float32).view(3, 4, 2, 2)


class Recorded:
    """A target of one layer with fixed values."""

    size, passes = (1, 1), 0

    def __call__(self, images, layers):
        self.passes += 1
        return {"conv": VALUES}

    def layer_shape(self, layer):
        return (4, 2, 2)


def test_each_image_has_its_own_objective_in_one_pass():
    target = Recorded()
    objectives = [Unit("conv", 1, (0, 1)), Channel("conv", 2), 2 * Unit("conv", 0, 1) - Channel("conv", 2)]
    found = Readout(target, objectives, torch.device("cpu"))(torch.zeros(3, 3, 1, 1))
    assert found.tolist() == [5, 25.5, 2 * 35 - 41.5]
    assert target.passes == 1
