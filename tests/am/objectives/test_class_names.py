"""From the names of classes to units."""

import unicodedata
from dataclasses import replace

import pytest

from dgnam import zoo
from dgnam.am import Classes
from dgnam.errors import DgnamError

IMAGENET = Classes.of_model(zoo.get("caffenet"))


@pytest.mark.parametrize("name", ["tench", "TINCA_TINCA", " tinca   tinca ", "n01440764"])
def test_any_name_of_a_class_in_any_case(name):
    assert IMAGENET.find(name, "") == 0


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_accents_may_be_encoded_either_way(form):
    classes = Classes.of_names([unicodedata.normalize(form, name) for name in ("tench", "Café Noir", "Ångström")])
    names = ("caf\u00e9_noir", "cafe\u0301 noir", "a\u030angstro\u0308m")
    assert [classes.find(name, "") for name in names] == [1, 1, 2]


def test_ambiguous_name_lists_the_classes():
    with pytest.raises(
        DgnamError, match=r"several classes; give a number: 638 \(maillot\), 639 \(maillot, tank suit\)"
    ):
        IMAGENET.find("maillot", "fc8:maillot")


@pytest.mark.parametrize(
    ("name", "closest"),
    [("bell peper", "bell pepper (945)"), ("shark", "great white shark (2)"), ("n0772087", "n07720875 (945)")],
)
def test_an_unknown_name_lists_those_like_it(name, closest):
    with pytest.raises(DgnamError) as error:
        IMAGENET.find(name, f"fc8:{name}")
    assert closest in str(error.value)


def test_a_users_names_may_have_synonyms():
    classes = Classes.of_names(["cat, house cat", "dog"], "fc")
    assert [classes.find(name, "") for name in ("cat", "house cat", "cat, house cat", "Dog")] == [0, 0, 0, 1]


def test_every_class_is_found_by_its_key():
    for entry in zoo.list_models():
        if entry.label_set is not None:
            classes = Classes.of_model(entry)
            assert [classes.find(label.key, "") for label in entry.labels()] == list(range(len(classes.labels)))


def test_a_generator_has_none():
    with pytest.raises(DgnamError, match="is a generator and has no classes"):
        Classes.of_model(zoo.get("deepsim-fc6-mini"))


def test_the_layers_whose_units_are_the_classes():
    layers = ["conv", "fc7", "fc8", "prob", "pool", "net.fc8"]
    shapes = {
        "conv": (3, 2, 2),
        "fc7": (3,),
        "fc8": (3,),
        "prob": (3,),
        "pool": (4,),
        "net.fc8": (3,),
        "map": (3, 1, 2),
    }
    classes = Classes.of_names(["a", "b", "c"], "fc8")

    def of(classes, names=layers):
        return [layer for layer in names if classes.belong_to(layer, layers, shapes.get)]

    assert of(classes) == ["fc8", "prob", "net.fc8"]
    assert of(replace(classes, alone=True)) == ["fc8"]
    assert of(classes.of_target("net"), ["fc8", "net.fc8"]) == ["net.fc8"]
    assert of(Classes.of_names(["a", "b", "c"])) == ["fc7", "fc8", "prob", "net.fc8"]


def test_names_that_are_known():
    classes = Classes.of_names(["cat, house_cat", "dog"], "fc")
    assert [name in classes for name in ("House  Cat", "dog", "cat, house cat", "do", "")] == [True] * 3 + [False] * 2
