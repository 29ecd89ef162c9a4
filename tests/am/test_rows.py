"""Whether each image of a batch has a row of its own."""

import numpy as np
import pytest
import torch

from dgnam.am.rows import missing_rows, row_fault, same, summary, trial_images


@pytest.mark.parametrize(
    ("alone", "both", "fault"),
    [
        ((1, 4), (2, 4), None),
        ((1,), (2,), None),
        ((), (), None),
        ((2, 2), (4, 2), r"what: its first axis is not the batch: one image gives the shape (2, 2), and two (4, 2)"),
        ((9, 1, 4), (9, 2, 4), "the batch is axis 1: a module that transposes"),
        ((4,), (2, 4), "one image gives the shape (4,), and two (2, 4)"),
        ((1, 4), (1, 4), "one image gives the shape (1, 4), and two (1, 4)"),
        ((1, 4), (2, 8), "one image gives the shape (1, 4), and two (2, 8)"),
    ],
)
def test_shapes_without_a_row_for_each_image(alone, both, fault):
    found = missing_rows("what", alone, both)
    assert (found is None) == (fault is None)
    assert fault is None or fault in found


@pytest.mark.parametrize(
    ("read", "fault"),
    [
        (lambda x: x.flatten(1), None),
        (lambda x: x.flatten(1) + 1e-3 * len(x), None),
        (lambda x: x.flatten(1).softmax(1), None),
        (lambda x: torch.log(x.flatten(1)), None),  # not finite
        (lambda x: torch.rand(len(x), 5), None),  # random by itself
        (lambda x: x - x.mean(0), "depend on the others"),
        (lambda x: x.flip(0), "depend on the others"),
        (lambda x: x.flatten(1).softmax(0), "depend on the others"),
        (lambda x: x.reshape(len(x) * 3, -1), "first axis is not the batch"),
    ],
)
def test_fault_of_rows(read, fault):
    found = row_fault("what", read, trial_images((6, 5)))
    assert (found is None) == (fault is None)
    assert fault is None or fault in found


def test_summaries_tell_rows_apart():
    row = torch.randn(50)
    assert same(summary(row), summary(row * 1.001))
    assert not same(summary(row), summary(row.roll(1)))
    assert not same(summary(row), summary(row.flip(0)))
    assert not same(summary(row), summary(row * 1.5))


def test_a_summary_by_hand():
    found = summary(torch.tensor([[3.0, -1.0]]))
    projection = (3 - np.cos(2.3999632)) / 2 * np.sqrt(2)
    assert found.tolist() == pytest.approx([1, 2, 2, projection])
    assert summary(torch.tensor([3j, 4.0])).tolist()[:3] == pytest.approx([3.5, 3.5, 0.5])
    assert summary(torch.tensor([True, False])).tolist()[0] == 0.5


def test_rows_may_differ_by_a_twentieth_of_their_magnitude():
    one, zero = torch.tensor([0.0, 2, 0, 0]), torch.zeros(4)
    for change, alike in ((0.0999, True), (0.1001, False)):
        assert same(one, one + torch.tensor([0, 0, change, 0])) is alike
    assert same(one, torch.tensor([0.0, 2.1, 0, 0]))  # of the larger magnitude
    assert same(zero, zero)
    assert same(zero, torch.full((4,), 1e-12))
    assert not same(zero, torch.tensor([0.0, 0, 2e-12, 0]))
    assert same(torch.tensor([torch.nan, 0, 0, 0]), one)
    assert same(one, torch.tensor([torch.inf, 0, 0, 0]))


def test_the_trial_images_are_unlike():
    found = trial_images((30, 20))
    assert found.shape == (2, 3, 30, 20)
    assert torch.equal(found, trial_images((30, 20)))
    assert found.mean((1, 2, 3)).tolist() == pytest.approx([40, -50], abs=3)
    assert found.std((1, 2, 3)).tolist() == pytest.approx([60, 15], rel=0.05)


def test_values_without_numbers_have_no_fault():
    assert row_fault("what", lambda x: x.flatten(1)[:, :0], trial_images((2, 2))) is None


def test_the_axis_of_the_batch_is_told_where_there_is_one():
    assert "the batch is axis 2" in missing_rows("what", (9, 5, 1), (9, 5, 2))
    for alone, both in (((9, 1, 1), (9, 2, 2)), ((9, 1), (9, 2, 2)), ((3, 4), (3, 4))):
        assert "the batch is axis" not in missing_rows("what", alone, both)
