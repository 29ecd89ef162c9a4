"""The steps' sizes."""

from dgnam.am import Linear


def test_linear_falls_by_the_same_amount_each_step():
    assert [Linear(8.0, 4.0).step_size(i, 4) for i in range(4)] == [8.0, 7.0, 6.0, 5.0]


def test_linear_of_one_size_stays():
    assert Linear(2, 2).step_size(150, 200) == 2
