import pytest

import dgnam
from dgnam.errors import DgnamError


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"device": None}, "device None: give cpu or cuda"),
        ({"device": 7}, "device 7"),
        ({"folder": 3}, "folder 3: give a path"),
        ({"batch_size": "a"}, "batch_size 'a': give a whole number"),
        ({"generations": 1.5}, "generations 1.5: give a whole number"),
        ({"clip": 5}, "clip 5: give Bounds"),
        ({"start": 5}, "start 5: give a Start"),
        ({"labels": 5}, "labels 5: give a file"),
        ({"method": 5}, "method 5: give a method"),
    ],
)
def test_arguments_of_the_wrong_kind(options, message):
    with pytest.raises(DgnamError, match=message):
        dgnam.visualize("caffenet-mini", "fc8:1", **options)
