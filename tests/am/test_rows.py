"""Whether each image of a batch has a row of its own."""

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
