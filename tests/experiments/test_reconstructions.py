"""What a generator makes of its own encoder's codes."""

import numpy as np
import pytest

from dgnam import zoo
from dgnam.api.render import random_codes, render
from dgnam.errors import DgnamError
from dgnam.experiments.reconstructions import reconstructions

PRIOR, SIZE = "deepsim-fc6-v2-mini", (56, 56)


def test_a_generator_s_own_pictures_come_back_by_its_own_encoder():
    """Nearer to themselves than to each other."""
    images = render(PRIOR, 3 * random_codes(PRIOR, 4), SIZE)
    found = reconstructions(PRIOR, images)
    assert found.shape == images.shape
    apart = np.sqrt(((found[:, None] - images[None]) ** 2).mean((2, 3, 4)))
    assert apart.argmin(1).tolist() == [0, 1, 2, 3]


def test_pictures_go_through_in_parts(monkeypatch):
    images = np.random.default_rng(0).normal(0, 40, (3, 3, *SIZE)).astype(np.float32)
    whole = reconstructions(PRIOR, images)
    monkeypatch.setattr("dgnam.experiments.reconstructions.BATCH", 2)
    assert np.allclose(reconstructions(PRIOR, images), whole, atol=1e-3)


def test_only_generators_reconstruct():
    assert zoo.get(PRIOR).generator.encoder == "caffenet-v2-mini"
    with pytest.raises(DgnamError, match="judge-mini"):
        reconstructions("judge-mini", np.zeros((1, 3, *SIZE), np.float32))
