"""The recorded layers are those of the networks."""

import json

import pytest

from dgnam import zoo
from dgnam.api.layers import describe
from dgnam.zoo.folders import data_folder
from dgnam.zoo.layers import read_layers


@pytest.mark.parametrize("name", [entry.name for entry in zoo.list_models()])
def test_the_layers_on_record_are_those_of_the_network(name):
    assert read_layers(name) == describe(name)


def test_other_names_have_no_layers_on_record():
    assert read_layers("caffenet-min") is None
    recorded = json.loads((data_folder("models") / "layers.json").read_text(encoding="utf-8"))
    assert recorded.keys() == {entry.name for entry in zoo.list_models()}
