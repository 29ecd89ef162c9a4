"""Pairs of units for two-unit pictures."""

from dgnam.experiments.sec3_6_art import draw_pairs


def test_no_pair_is_drawn_twice():
    pairs = draw_pairs(range(6), 12, 0)
    assert len({frozenset(pair) for pair in pairs}) == 12
    assert all(first != second for first, second in pairs)


def test_of_few_units_there_are_no_more_pairs():
    assert [sorted(pair) for pair in draw_pairs([3, 8], 5, 0)] == [[3, 8]]
