"""The best and the worst on one sheet."""

import numpy as np
import pytest

from dgnam.errors import DgnamError
from dgnam.figures import Candidate, contact_sheet


def colour(place):
    return np.array([10 * (place + 1), 250, 50], np.uint8)


def candidates(scores, units=3):
    """Each in a colour of its own, which ink and paper have not."""
    return [
        Candidate(score, np.full((units, 8, 9, 3), colour(place), np.uint8), (f"score {score}", "steps 200"))
        for place, score in enumerate(scores)
    ]


def places(sheet):
    """(row, column) of each candidate's first pixel, by its place; what isn't shown is left out."""
    found = {}
    for place in range(20):
        where = np.argwhere((sheet == colour(place)).all(-1))
        if len(where) >= 8 * 9:
            found[place] = tuple(where[0])
    return found


def test_the_best_come_first_and_the_worst_last():
    sheet = contact_sheet(candidates([0.5, 0.9, 0.1, 0.7, 0.3, 0.2]), k=2)
    where = places(sheet)
    assert set(where) == {1, 3, 5, 2}
    assert where[1][0] == where[3][0] < where[5][0] == where[2][0]
    assert where[1][1] < where[3][1]
    assert where[5][1] < where[2][1]


@pytest.mark.parametrize(("count", "k"), [(1, 4), (3, 2), (4, 4), (5, 3)])
def test_with_few_candidates_each_is_shown_once(count, k):
    scores = [float(place) for place in range(count)]
    sheet = contact_sheet(candidates(scores), k=k)
    assert set(places(sheet)) == set(range(count))
    for place in range(count):
        assert (sheet == colour(place)).all(-1).sum() >= 3 * 8 * 9


def test_every_line_leaves_ink_and_makes_room():
    def made(lines, **options):
        wide = np.full((1, 40, 120, 3), 200, np.uint8)
        return contact_sheet([Candidate(1.0, wide, lines)], **options)

    one, two = made(("first",)), made(("first", "second"))
    assert two.shape[0] == one.shape[0] + 18
    assert (two < 100).all(-1).sum() > (one < 100).all(-1).sum()
    assert made(("first",), note="of small models").shape[0] > one.shape[0]
    assert made(("first",), scale=2).shape[1] > 240


def test_the_pictures_of_a_candidate_lie_in_rows():
    pictures = np.stack([np.full((4, 4, 3), colour(place), np.uint8) for place in range(5)])
    sheet = contact_sheet([Candidate(0.0, pictures, ("a",))], columns=2)
    rows = [int(np.argwhere((sheet == colour(place)).all(-1))[0][0]) for place in range(5)]
    assert rows[0] == rows[1] < rows[2] == rows[3] < rows[4]


def test_ties_keep_their_order():
    where = places(contact_sheet(candidates([1.0, 1.0, 1.0]), k=3))
    assert where[0][1] < where[1][1] < where[2][1]


def test_bad_input():
    with pytest.raises(DgnamError, match="at least one candidate"):
        contact_sheet([])
    with pytest.raises(DgnamError, match="k 0"):
        contact_sheet(candidates([1.0]), k=0)
    with pytest.raises(DgnamError, match="candidate 1 has the score NaN"):
        contact_sheet(candidates([1.0, float("nan")]))
    with pytest.raises(DgnamError, match="candidate 1 has pictures uint8 of shape"):
        contact_sheet([*candidates([1.0]), *candidates([1.0], units=2)])
