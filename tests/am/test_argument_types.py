"""Arguments of a wrong type are one clear error, before anything is loaded."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dgnam
from dgnam.am.argument_types import check_types
from dgnam.errors import ArgumentError


def function(
    count: int,
    size: float,
    text: str | None,
    path: str | os.PathLike[str],
    many: int | Sequence[int],
    flag: bool,
    call: Callable[..., Any],
    table: Mapping[str, Any],
    anything: object,
) -> None: ...


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("count", [1, np.int64(3)]),
        ("size", [1, 2.5, np.float32(1), float("nan")]),
        ("text", ["a", None]),
        ("path", ["a", Path("a")]),
        ("many", [1, [1, 2], (1,), range(3), np.arange(3), [], (k for k in [1])]),
        ("flag", [True]),
        ("call", [len]),
        ("table", [{}]),
        ("anything", [3, None]),
    ],
)
def test_values_of_the_type_pass(name, values):
    for value in values:
        check_types(function, {name: value})


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("count", 1.5, "a whole number"),
        ("count", True, "a whole number"),
        ("count", None, "a whole number"),
        ("size", "1", "a number"),
        ("size", 1j, "a number"),
        ("text", 3, "text or None"),
        ("path", 3, "text or a path"),
        ("many", [1, "a"], "a whole number or a list of whole number"),
        ("many", np.ones(2), "a whole number or a list of whole number"),
        ("many", "12", "a whole number or a list"),
        ("flag", 1, "True or False"),
        ("call", 3, "a callable"),
        ("table", [], "a dict"),
    ],
)
def test_another_type_is_named_with_what_is_valid(name, value, words):
    with pytest.raises(ArgumentError, match=f"{name} .*: give {words}"):
        check_types(function, {name: value})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"device": None}, "device None: give text"),
        ({"folder": 3}, "folder 3: give text, a path or None"),
        ({"batch_size": "a"}, "batch_size 'a': give a whole number"),
        ({"clip": 5}, "clip 5: give text, a path or a Bounds"),
        ({"start": 5}, "start 5: give text, a Start or None"),
        ({"labels": 5}, "labels 5: give text, a path, a list of text, a dict or None"),
        ({"seeds": "ab"}, "seeds 'ab': give a whole number or a list"),
        ({"movies": ".gif"}, "movies '.gif': give a list of text"),
    ],
)
def test_visualize_says_so(options, message):
    with pytest.raises(ArgumentError, match=message):
        dgnam.visualize("caffenet-mini", "fc8:1", **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"generations": 1.5}, "generations 1.5: give a whole number"),
        ({"method": 5}, "method 5: give text or a Method"),
        ({"score": 5}, "score 5: give text, a callable or None"),
    ],
)
def test_evolve_says_so(options, message):
    with pytest.raises(ArgumentError, match=message):
        dgnam.evolve("caffenet-mini", "fc8:1", **options)


def shaped(pair: tuple[int, int], shape: tuple[int, ...], either: tuple[int, float] | None = None) -> None: ...


def test_tuples_are_looked_at_item_by_item():
    for fine in ({"pair": (1, 2)}, {"pair": [1, 2]}, {"shape": ()}, {"shape": (1, 2, 3)}, {"either": (1, 2.5)}):
        check_types(shaped, fine)
    for name, wrong, words in (
        *(("pair", (1, 2, 3), "2 of: a whole number"), ("pair", (1, "a"), "2 of: a whole number")),
        *(("pair", 3, "2 of: a whole number"), ("shape", (1, "a"), "a list"), ("shape", ("a", 1), "a list")),
        ("either", (2.5, 1), "2 of: a whole number or None"),
    ):
        with pytest.raises(ArgumentError) as caught:
            check_types(shaped, {name: wrong})
        assert str(caught.value) == f"{name} {wrong!r}: give {words}"
