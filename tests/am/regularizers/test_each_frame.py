"""Regularizers of images on each frame of clips."""

import numpy as np
import pytest
import torch

from dgnam.am import (
    Blur,
    CenterOnly,
    ClipSmallContribution,
    CompositeRegularizer,
    EachFrame,
    L2Decay,
    NormPenalty,
    StepContext,
    TotalVariation,
)

CODES = torch.from_numpy(np.random.RandomState(0).normal(0, 90, (2, 4, 3, 6, 7)).astype(np.float32))
GRADIENT = torch.from_numpy(np.random.RandomState(1).normal(0, 1, (2, 4, 3, 6, 7)).astype(np.float32))
INNER = CompositeRegularizer((L2Decay(0.9), Blur(1.0, 1), ClipSmallContribution(50)))


def test_each_frame_is_as_it_would_be_alone():
    found = EachFrame(INNER).project(CODES, StepContext(4, GRADIENT))
    alone = INNER.project(CODES[1], StepContext(4, GRADIENT[1]))
    assert found.shape == CODES.shape
    assert torch.allclose(found[1], alone, atol=1e-4)
    masked = EachFrame(CenterOnly(0.3)).mask(GRADIENT, StepContext(0, GRADIENT))
    assert torch.equal(masked[0], CenterOnly(0.3).mask(GRADIENT[0], StepContext(0, GRADIENT[0])))


@pytest.mark.parametrize("inner", [NormPenalty(0.005), TotalVariation(0.1)])
def test_penalties_are_those_of_each_frame(inner):
    found = EachFrame(inner).penalty_gradient(CODES)
    assert torch.allclose(found[1], inner.penalty_gradient(CODES[1]), atol=1e-6)


def test_without_a_penalty_there_is_none_and_labels_stay():
    assert EachFrame(L2Decay(0.99)).penalty_gradient(CODES) is None
    assert EachFrame(L2Decay(0.99)).label == "0.99"
