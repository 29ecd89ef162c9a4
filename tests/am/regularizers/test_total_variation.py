"""The energy of total variation, by hand."""

import pytest
import torch

from dgnam.am import TotalVariation
from dgnam.errors import DgnamError


def test_energy_is_the_mean_over_pixels_without_border():
    step = torch.zeros(1, 3, 2, 4)
    step[..., 2:] = 10  # one edge between columns, in both rows, of each of 3 channels
    assert TotalVariation(1, 2).energy(step).item() == pytest.approx(3 * 2 * 100 / 8)
    assert TotalVariation(1, 1).energy(step).item() == pytest.approx(3 * 2 * 10 / 8, rel=1e-4)


def test_codes_other_than_images_raise():
    with pytest.raises(DgnamError, match=r"TotalVariation.*for pixels as the code.*\(2, 7\)"):
        TotalVariation(1.0).penalty_gradient(torch.ones(2, 7))
