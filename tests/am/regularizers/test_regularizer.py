"""The two ways to keep a code small, on arrays and tensors."""

import numpy as np
import pytest
import torch

from dgnam.am import (
    Blur,
    CentreOnly,
    ColourRange,
    During,
    L1Penalty,
    L2Penalty,
    Moment,
    NormPenalty,
    Rules,
    Shrink,
    TotalVariation,
)
from dgnam.errors import DgnamError

CODES = np.array([[3.0, 4.0], [0.0, 0.0]], np.float32)


@pytest.mark.parametrize("of", [np.array, torch.tensor])
def test_shrink_multiplies_the_code_and_adds_no_gradient(of):
    assert Shrink(0.5).gradient(of(CODES)) is None
    assert np.array_equal(Shrink(0.5).shrink(of(CODES)), CODES / 2)


@pytest.mark.parametrize("factor", [0, 1, 1.5, -0.5])
def test_shrink_outside_0_to_1_is_off_as_in_the_published_code(factor):
    assert np.array_equal(Shrink(factor).shrink(CODES), CODES)


@pytest.mark.parametrize("of", [np.array, torch.tensor])
def test_norm_penalty_is_the_gradient_of_the_weighted_norm(of):
    gradient = NormPenalty(0.005).gradient(of(CODES))
    assert np.allclose(gradient, [[-0.003, -0.004], [0, 0]], atol=1e-9)
    assert np.array_equal(NormPenalty(0.005).shrink(of(CODES)), CODES)


def test_norm_penalty_takes_each_code_by_itself_whatever_its_shape():
    codes = torch.randn(3, 2, 4, 4, requires_grad=True)
    codes.flatten(1).norm(dim=1).sum().backward()
    assert torch.allclose(NormPenalty(2.0).gradient(codes.detach()), -2 * codes.grad)


IMAGES = torch.from_numpy(np.random.RandomState(0).normal(0, 90, (2, 3, 6, 7)).astype(np.float32))


def moment(step, gradient=IMAGES):
    return Moment(step, gradient)


class TestRules:
    def test_gradients_add_up_and_what_comes_after_comes_in_order(self):
        rules = Rules((Shrink(0.5), L2Penalty(1.0), ColourRange(), L1Penalty(3.0)))
        assert torch.allclose(rules.gradient(IMAGES), -2 * IMAGES - 3 * IMAGES.sign())
        assert torch.equal(rules.after(IMAGES, moment(0)), ColourRange().shrink(IMAGES * 0.5))
        assert not torch.equal(rules.after(IMAGES, moment(0)), ColourRange().shrink(IMAGES) * 0.5)

    def test_rules_without_a_gradient_have_none(self):
        assert Rules((Shrink(0.5), Blur(1.0))).gradient(IMAGES) is None

    def test_rules_are_told_the_step(self):
        rules = Rules((Rules((Blur(1.0, 4),)), Shrink(0.5)))
        assert torch.equal(rules.after(IMAGES, moment(3)), IMAGES * 0.5)
        assert torch.equal(rules.after(IMAGES, moment(4)), Blur(1.0).shrink(IMAGES) * 0.5)

    def test_rules_are_values_whose_label_can_be_in_a_file_name(self):
        rules = Rules((Shrink(0.9999), Blur(1.0, 4), TotalVariation(0.01)))
        assert rules == Rules((Shrink(0.9999), Blur(1.0, 4), TotalVariation(0.01)))
        assert len({rules, Rules((Blur(1.0, 4),))}) == 2
        assert rules.label == "0.9999+blur1x4+tv2_0.01"

    @pytest.mark.parametrize("parts", [(), [Shrink(0.5)]])
    def test_rules_take_a_tuple_of_one_or_more(self, parts):
        with pytest.raises(DgnamError, match="a tuple of one rule or more"):
            Rules(parts)


class TestDuring:
    def test_a_rule_holds_for_its_steps_which_it_counts_from_0(self):
        rule = During(10, 20, Blur(1.0, 4))
        changed = [step for step in range(30) if not torch.equal(rule.after(IMAGES, moment(step)), IMAGES)]
        assert changed == [10, 14, 18]

    def test_a_mask_holds_for_its_steps(self):
        rule = During(2, 3, CentreOnly(0.2))
        assert torch.equal(rule.masked(IMAGES, moment(1)), IMAGES)
        assert (rule.masked(IMAGES, moment(2))[:, :, 0] == 0).all()
        assert torch.equal(Rules((Shrink(0.5), rule)).masked(IMAGES, moment(2)), rule.masked(IMAGES, moment(2)))

    def test_penalties_and_steps_that_are_none_are_errors(self):
        with pytest.raises(DgnamError, match="may join the gradient"):
            During(0, 10, L2Penalty(1.0))
        with pytest.raises(DgnamError, match="first < until"):
            During(10, 10, Blur(1.0))
