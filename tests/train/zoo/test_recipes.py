"""The recipes of the small zoo, and the order in which `make train-zoo` follows them."""

import re
from pathlib import Path

import pytest

from dgnam import zoo
from dgnam.train.projected_recipe import ProjectedRecipe
from dgnam.train.zoo.recipes import RECIPES, ZooClassifier, ZooGenerator, recipe_of

ROOT = Path(__file__).parents[3]


def needs(name: str) -> set[str]:
    """The models that the training of this one, and its card, start from or ask."""
    recipe = recipe_of(name)
    if isinstance(recipe, ZooClassifier):
        return {recipe.start} - {None}
    if not isinstance(recipe, ZooGenerator):
        return {recipe.of}
    compared = recipe.training.comparisons if isinstance(recipe.training, ProjectedRecipe) else ()
    return {recipe.encoder, recipe.judge, *(comparison.model for comparison in compared)}


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_is_of_a_model_in_the_registry(name):
    assert zoo.get(name).prototxt.is_file()


def test_make_train_zoo_trains_all_models_each_after_those_that_it_needs():
    listed = re.search(r"^ZOO := ((?:.*\\\n)*.*)", (ROOT / "Makefile").read_text(), re.MULTILINE)[1]
    order = listed.replace("\\", " ").split()
    here = {name for name in RECIPES if (zoo.data_folder("models") / name / "card.json").is_file()}
    assert sorted(order) == sorted(here)
    for name in order:
        assert needs(name) <= set(order[: order.index(name)]), name
