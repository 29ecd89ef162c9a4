"""Images and contexts for the tests of regularizers."""

import numpy as np
import torch

from dgnam.am import StepContext

IMAGES = torch.from_numpy(np.random.RandomState(0).normal(0, 90, (2, 3, 6, 7)).astype(np.float32))
GRADIENT = torch.from_numpy(np.random.RandomState(1).normal(0, 1, (2, 3, 6, 7)).astype(np.float32))


def at(step, gradient=IMAGES):
    """The context of a step."""
    return StepContext(step, gradient)
