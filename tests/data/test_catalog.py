"""Where public image sets come from, and what is said where one is missing."""

import re

import pytest

from dgnam import zoo
from dgnam.caffe.proto import pb
from dgnam.data.catalog import PUBLIC_SETS, public_set
from dgnam.data.dataset import open_dataset
from dgnam.data.picture import DataError
from dgnam.train.data_layer import split_data_layer
from dgnam.train.solver_nets import solver_nets
from dgnam.train.zoo import RECIPES, ZooClassifier


def test_entries_are_whole():
    assert len({known.name for known in PUBLIC_SETS}) == len(PUBLIC_SETS)
    for known in PUBLIC_SETS:
        assert all((known.title, known.terms, known.form))
        assert known.url is None or re.fullmatch(r"https?://\S+", known.url)
        assert all(re.fullmatch(r"md5:[0-9a-f]{32}", checksum) for _, checksum in known.checksums)
        assert (known.url is not None and known.url in known.origin) or "not published" in known.origin


def test_every_set_that_the_zoo_is_trained_on_is_known():
    for name, recipe in RECIPES.items():
        if isinstance(recipe, ZooClassifier):
            for phase in (pb.TRAIN, pb.TEST):
                definition = solver_nets(zoo.get(name).folder / recipe.solver).train.definition
                source = split_data_layer(definition, phase)[0].source
                assert public_set(source.split("[")[0]) is not None, source


def test_a_missing_set_says_where_it_comes_from(tmp_path):
    with pytest.raises(DataError, match=r"no image set 'miniplaces64-val'.*MiniPlaces.*http://mini.*Terms: .*zips"):
        open_dataset("miniplaces64-val", folder=tmp_path)
    with pytest.raises(DataError, match=r"known sets, the closest first: miniplaces64-train"):
        open_dataset("miniplace64-train", folder=tmp_path)
    assert public_set("miniplaces64extra-val") is None
