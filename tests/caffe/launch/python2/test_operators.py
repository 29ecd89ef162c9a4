"""NumPy's arithmetic as it was.

What is expected was computed by NumPy 1.16 on Python 2.7.18, but for the types of wide floats and for texts of numbers,
which follow its documentation.
"""

import numpy as np
import pytest

from dgnam.caffe.launch.python2 import operators
from tests.caffe.launch.python2.translated import run


@pytest.mark.parametrize(
    ("source", "dtype", "value"),
    [
        ("np.array([5, -5]) / 2", "int64", [2, -3]),
        ("np.array([5, -5]) / 2.", "float64", [2.5, -2.5]),
        ("np.array([5, 6]) / np.array([2, 4])", "int64", [2, 1]),
        ("[5, 6] / np.array([2, 4])", "int64", [2, 1]),
        ("np.divide([5, 6], 2)", "int64", [2, 3]),
        ("np.array([True, True]) / np.array([True, True])", "int8", [1, 1]),
        ("np.uint8([7, 8]) / np.uint8(2)", "uint8", [3, 4]),
        ("np.int64(7) / 2", "int64", 3),
        ("np.float32(7) / 2", "float64", 3.5),
        ("np.float32(3) * 2.0", "float64", 6),
        ("np.uint8(200) + 100", "int64", 300),
        ("np.ones(2, 'f') * np.float64(.1)", "float32", [np.float32(0.1)] * 2),
        ("np.ones(2, 'f') * 2.5", "float32", [2.5, 2.5]),
        ("np.ones(2, 'f') * -1e99", "float64", [-1e99, -1e99]),
        ("np.ones(2, 'f') * 1e30", "float32", [np.float32(1e30)] * 2),
        ("np.ones(2, 'f') + np.int64(2)", "float32", [3, 3]),
        ("np.uint8([1, 2]) * 300", "uint16", [300, 600]),
        ("np.uint8([1, 2]) + -1", "int16", [0, 1]),
        ("np.uint8([1, 2]) + np.int64(5)", "uint8", [6, 7]),
        ("300 - np.uint8([1, 2])", "uint16", [299, 298]),
        ("np.uint8([1, 2]) * .5", "float64", [0.5, 1]),
        ("np.array([1, 2]) * np.array(2.5)", "float64", [2.5, 5]),
        ("np.array([5, 6], dtype=object) / 2", "object", [2, 3]),
        ("np.array([7, 8]) % 3", "int64", [1, 2]),
    ],
)
def test_arithmetic(source, dtype, value):
    found = run(f"x = {source}", np=run("import numpy as np")["np"])["x"]
    assert str(np.asarray(found).dtype) == dtype
    assert np.array_equal(found, value)


def test_in_place():
    source = """
import numpy as np
a = np.arange(6).reshape(2, 3); kept = a
a /= 2
a[:, 1:] /= 2
f = np.arange(4.); f /= 8
c = np.uint8([250, 3]); d = c; c += 300
t = 0
for v in np.uint8([200, 100]): t += v
s = sum(np.uint8([200, 100]))
"""
    found = run(source)
    assert found["kept"] is found["a"]
    assert found["a"].tolist() == [[0, 0, 0], [1, 1, 1]]
    assert found["f"].tolist() == [0, 0.125, 0.25, 0.375]
    assert found["d"] is found["c"]
    assert found["c"].tolist() == [38, 47]
    assert found["c"].dtype == np.uint8
    assert (found["t"], found["s"]) == (300, 300)


def test_arrays_that_do_not_fit_in_place_are_an_error():
    with pytest.raises(TypeError, match="same_kind"):
        run("a /= 2.5", a=np.arange(3))


def test_other_types_divide_as_they_do():
    from fractions import Fraction

    import torch

    assert operators.divide(Fraction(1), 2) == Fraction(1, 2)
    assert operators.divide(torch.ones(1), 2).item() == 0.5
    with pytest.raises(TypeError):
        operators.divide("a", 2)


def test_order_of_what_has_none_is_an_error():
    with pytest.raises(TypeError):
        operators.less(1j, 2)
    with pytest.raises(TypeError):
        operators.less(object(), object())


def test_arrays_of_one_element_are_numbers():
    found = run("x = float(a), int(a), '%.2f' % a, '%s' % a, str(a)", a=np.array([2.5]))["x"]
    assert found[:3] == (2.5, 2, "2.50")
    assert found[3:] == (str(np.array([2.5])),) * 2


def test_an_array_without_axes_is_shown_as_its_number():
    found = run("x = str(a), '%s' % a, '{} {:.2f}'.format(a, a), '%.2f %s' % (a, a)", a=np.array(2.3129523, "f"))["x"]
    assert found == ("2.31295228004", "2.31295228004", "2.31295228004 2.31", "2.31 2.31295228004")


def test_texts_of_small_floats_and_of_arrays_of_one_element():
    names = {"a": np.array([2.5]), "n": np.array([7]), "f": np.float32(0.1)}
    found = run("x = '%.2f %s' % (a, 'b'), '%d: %s' % (n, n), `f`, '{} {:.3f}'.format(f, f), str(f)", **names)["x"]
    assert found == ("2.50 b", "7: [7]", "0.1", "0.10000000149 0.100", "0.1")


def test_an_array_of_one_element_is_shown_in_any_width():
    assert run("x = '%5s|%-6s|%3d' % (n, n, n), '%5s' % n", n=np.array([7]))["x"] == ("  [7]|[7]   |  7", "  [7]")


def test_an_array_of_numbers_is_no_text():
    source = "x = (a == 'all'), (a != 'all'), (n == 'all').tolist(), 'b' == 'b', 1 != 'b', 'all' == a"
    assert run(source, a=np.ones(3), n=np.array(["all", "b"]))["x"] == (False, True, [True, False], True, True, False)


def test_an_array_is_not_none():
    assert run("x = (a == None), (a != None), (None == None), (0 == None)", a=np.ones(3))["x"] == (
        False,
        True,
        True,
        False,
    )
