"""Making the zoo's classifiers, and the models that are such a one's training on the way."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from ... import zoo
from ...caffe.modules.caffe_module import CaffeModule
from ...caffe.proto import pb, read_net, read_weights
from ...data.dataset import Dataset
from ..batch_norm.fold import Arrays, averaged, fold, scale_code
from ..batch_norm.statistics import find_statistics, lacks_statistics
from ..classifier import pictures_for_statistics, train_classifier, trunk
from ..classifier import recipe as solver_recipe
from ..data_layer import split_data_layer
from ..image_loader import ImageLoader
from ..intermediate_weights import check_intermediate, intermediate_file
from ..solver_nets import solver_nets
from . import recipes
from .card import Built, training_facts
from .evaluate import as_stored, code_bounds, evaluate_classifier, held_out_layer
from .recipes import ZooClassifier, ZooIntermediate

CODE_RANGE = 12.0
"""The mean act_range of CaffeNet's fc6 in the published code (act_range/3x/fc6.txt), which steps of 8 were made for."""

_PRETRAINING = "pretraining"


def build_classifier(name: str, recipe: ZooClassifier, run_folder: Path, **how: Any) -> Built | None:
    """Train the model; None where the time limit stopped that at a checkpoint."""
    net = _train(name, recipe, run_folder, **how)
    if net is None:
        return None
    weights = _plain(net.cpu(), recipe)
    if recipe.code is not None:
        held_out = held_out_layer(name, recipe, how["data_folder"]).opened(how["data_folder"])
        _scale_code(name, weights, recipe.code, held_out)
    measured = evaluate_classifier(name, recipe, as_stored(name, weights), how["data_folder"])
    training = _facts(zoo.get(name).folder / recipe.solver, run_folder, how)
    if recipe.pretraining is not None:
        earlier = _facts(zoo.get(name).folder / recipe.pretraining, run_folder / _PRETRAINING, how)
        training[_PRETRAINING] = earlier
    return Built(weights, {"what": recipe.note, "training": training, "measured": measured, "data": recipe.data})


def build_intermediate(name: str, recipe: ZooIntermediate, run_folder: Path, **how: Any) -> Built | None:
    """Take the weights that the training in `run_folder` had at the recipe's iteration, or train as far as that.

    Its code layer keeps the scale that the training gave it.  None where the time limit stopped the training before;
    DgnamError where it is past the iteration and there are none, or weights of another recipe.
    """
    whole = recipes.classifier_recipe(recipe)
    path, solver_path = intermediate_file(run_folder, recipe.at), zoo.get(recipe.of).folder / whole.solver
    if not path.is_file():
        _train(recipe.of, whole, run_folder, until=recipe.at, **how)
    if not path.is_file():
        return None
    solver, trained, _ = solver_nets(solver_path, beside=True)
    check_intermediate(path, solver_recipe(solver, trained.definition))
    layer, train_net = split_data_layer(trained.definition, pb.TRAIN, how["data_folder"])
    net = CaffeModule(train_net, read_weights(path), phase=pb.TRAIN)
    training = _facts(solver_path, run_folder, how, recipe.at)
    training["of"] = {"model": recipe.of, "iterations": solver.max_iter}
    if whole.code is not None:
        training["of"]["code"] = whole.code[0]
    if lacks_statistics(net):
        loader = ImageLoader(layer.load(how["data_folder"]), layer, max(solver.random_seed, 0))
        pictures, training["statistics_of"] = pictures_for_statistics(loader)
        find_statistics(net, pictures)
    weights = _plain(net, whole)
    measured = evaluate_classifier(name, whole, as_stored(name, weights), how["data_folder"])
    return Built(weights, {"what": recipe.note, "training": training, "measured": measured, "data": whole.data})


def _train(
    name: str, recipe: ZooClassifier, run_folder: Path, until: int | None = None, **how: Any
) -> CaffeModule | None:
    """Train by the recipe, up to iteration `until` if given, and keep the weights of intermediate models.

    The time limit is one for a pretraining and the training together.
    """
    folder, earlier, began = zoo.get(name).folder, None, time.monotonic()
    how = {**how, "beside": True}
    if recipe.pretraining is not None:
        alone = {key: value for key, value in how.items() if key != "spec"}
        first = train_classifier(folder / recipe.pretraining, run_folder / _PRETRAINING, **alone)
        if first is None:
            return None
        earlier = trunk(first.cpu())
        if how["time_limit"] is not None:
            how["time_limit"] -= time.monotonic() - began
    if recipe.start is not None:
        start = zoo.load(recipe.start)
        earlier = start.weights() if recipe.keeps_scores else trunk(start, zoo.get(recipe.start).scores)
    keep = recipes.intermediate_iterations(name)
    options: dict[str, Any] = {"keep": keep, "until": until, "adversarial_radius": recipe.adversarial_radius}
    return train_classifier(folder / recipe.solver, run_folder, weights=earlier, **options, **how)


def _plain(net: CaffeModule, recipe: ZooClassifier) -> Arrays:
    return fold(net) if recipe.folded else averaged(net)


def _facts(solver_path: Path, run_folder: Path, how: dict[str, Any], iterations: int | None = None) -> dict[str, Any]:
    """What the training took, as a whole or up to an iteration."""
    solver, trained, _ = solver_nets(solver_path, beside=True)
    layer = split_data_layer(trained.definition, pb.TRAIN, how["data_folder"])[0]
    return training_facts(run_folder, layer, solver.max_iter if iterations is None else iterations, how["device"])


def _scale_code(name: str, weights: Arrays, code: tuple[str, str], held_out: Dataset) -> None:
    """Let the code layer's act_range average `CODE_RANGE` over the held-out pictures."""
    deployed = CaffeModule(read_net(zoo.get(name).prototxt), weights).eval()
    upper = code_bounds(deployed, code[0], held_out)
    scale_code(weights, *code, CODE_RANGE / float(upper.mean()))
