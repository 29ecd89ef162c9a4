"""A judge's scores of class units."""

import numpy as np
import pytest

from dgnam import zoo
from dgnam.am import Channel, Unit
from dgnam.errors import DgnamError
from dgnam.measure import Judge
from dgnam.measure.class_score import SCORES, score_by_probability, score_by_rank


def test_the_judges_scores_are_what_they_are_called():
    judge = Judge(zoo.load("judge-mini"), str(zoo.get("judge-mini").scores))
    images = np.random.RandomState(0).normal(0, 40, (3, 3, *judge.size)).astype(np.float32)
    units = [Unit("fc8", k) for k in (0, 50, 199)]
    ranks = judge.rank(images, [0, 50, 199]).ranks
    np.testing.assert_array_equal(score_by_rank(judge)(images, units), 1 / ranks)
    score = score_by_probability(judge)
    every = np.stack([score(images, [Unit("fc8", k)] * 3) for k in range(200)])
    np.testing.assert_allclose(every.sum(0), 1)
    np.testing.assert_array_equal(score(images, units), every[[0, 50, 199], range(3)])
    assert [int((every[:, i] >= every[k, i]).sum()) for i, k in enumerate((0, 50, 199))] == list(ranks)


def test_other_objectives_than_units_have_no_class():
    for make in SCORES.values():
        with pytest.raises(DgnamError, match="conv5:3@all is not a single unit"):
            make(None)(np.zeros((1, 3, 4, 4), np.float32), [Channel("conv5", 3)])
