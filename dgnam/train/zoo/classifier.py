"""Making the zoo's classifiers, and the models that are such a one's training on the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ... import zoo
from ...caffe.modules.caffe_module import CaffeModule
from ...caffe.proto import pb, read_net, read_weights
from ...data.dataset import open_dataset
from ..batch_norm.fold import Arrays, averaged, fold, scale_code
from ..batch_norm.statistics import find_statistics, lacks_statistics
from ..classifier import pictures_for_statistics, recipe, solver_net, train_classifier, trunk
from ..data_layer import split_data_layer
from ..image_loader import ImageLoader
from ..kept_weights import check_kept, kept_file
from . import recipes as plans
from .card import Built, training_facts
from .evaluate import as_stored, code_bounds, measure_classifier
from .recipes import ClassifierPlan, SnapshotPlan

CODE_RANGE = 12.0
"""The mean act_range of CaffeNet's fc6 in the published code (act_range/3x/fc6.txt), which steps of 8 were made for."""

_PRETRAINING = "pretraining"


def make_classifier(name: str, plan: ClassifierPlan, run_folder: Path, **how: Any) -> Built | None:
    """Train the model; None where the time limit stopped that at a checkpoint."""
    net = _train(name, plan, run_folder, **how)
    if net is None:
        return None
    weights = _plain(net.cpu(), plan)
    if plan.code is not None:
        _scale_code(name, weights, plan.code, how["data_folder"])
    measured = measure_classifier(name, plan, as_stored(name, weights), how["data_folder"])
    training = _facts(zoo.get(name).folder / plan.solver, run_folder, how)
    if plan.pretraining is not None:
        earlier = _facts(zoo.get(name).folder / plan.pretraining, run_folder / _PRETRAINING, how)
        training[_PRETRAINING] = earlier
    return Built(weights, {"what": plan.note, "training": training, "measured": measured, "data": plan.data})


def make_snapshot(name: str, plan: SnapshotPlan, run_folder: Path, **how: Any) -> Built | None:
    """Take the weights that the training in `run_folder` kept at the plan's iteration, or train as far as that.

    Its code layer keeps the scale that the training gave it.  None where the time limit stopped the training before;
    DgnamError where it is past the iteration and kept nothing, or kept weights of another recipe.
    """
    whole = plans.classifier_plan(plan)
    kept, solver_path = kept_file(run_folder, plan.at), zoo.get(plan.of).folder / whole.solver
    if not kept.is_file():
        _train(plan.of, whole, run_folder, until=plan.at, **how)
    if not kept.is_file():
        return None
    solver, definition = solver_net(solver_path)
    check_kept(kept, recipe(solver, definition))
    layer, train_net = split_data_layer(definition, pb.TRAIN, how["data_folder"])
    net = CaffeModule(train_net, read_weights(kept), phase=pb.TRAIN)
    training = _facts(solver_path, run_folder, how, plan.at)
    training["of"] = {"model": plan.of, "iterations": solver.max_iter}
    if whole.code is not None:
        training["of"]["code"] = whole.code[0]
    if lacks_statistics(net):
        loader = ImageLoader(layer.load(how["data_folder"]), layer, max(solver.random_seed, 0))
        pictures, training["statistics_of"] = pictures_for_statistics(loader)
        find_statistics(net, pictures)
    weights = _plain(net, whole)
    measured = measure_classifier(name, whole, as_stored(name, weights), how["data_folder"])
    return Built(weights, {"what": plan.note, "training": training, "measured": measured, "data": whole.data})


def _train(
    name: str, plan: ClassifierPlan, run_folder: Path, until: int | None = None, **how: Any
) -> CaffeModule | None:
    """Train by the plan, up to iteration `until` if given, and keep the weights that snapshots need."""
    folder, earlier = zoo.get(name).folder, None
    if plan.pretraining is not None:
        alone = {key: value for key, value in how.items() if key != "spec"}
        first = train_classifier(folder / plan.pretraining, run_folder / _PRETRAINING, **alone)
        if first is None:
            return None
        earlier = trunk(first.cpu())
    if plan.start is not None:
        start = zoo.load(plan.start)
        earlier = start.weights() if plan.keeps_scores else trunk(start, zoo.get(plan.start).scores)
    keep = plans.kept_on_the_way(name)
    return train_classifier(folder / plan.solver, run_folder, weights=earlier, keep=keep, until=until, **how)


def _plain(net: CaffeModule, plan: ClassifierPlan) -> Arrays:
    return fold(net) if plan.folded else averaged(net)


def _facts(solver_path: Path, run_folder: Path, how: dict[str, Any], iterations: int | None = None) -> dict[str, Any]:
    """What the training took, as a whole or up to an iteration."""
    solver, definition = solver_net(solver_path)
    layer = split_data_layer(definition, pb.TRAIN, how["data_folder"])[0]
    return training_facts(run_folder, layer, solver.max_iter if iterations is None else iterations, how["device"])


def _scale_code(name: str, weights: Arrays, code: tuple[str, str], data_folder: Any) -> None:
    """Let the code layer's act_range average `CODE_RANGE`."""
    deployed = CaffeModule(read_net(zoo.get(name).prototxt), weights).eval()
    upper = code_bounds(deployed, code[0], open_dataset(plans.HELD_OUT, folder=data_folder))
    scale_code(weights, *code, CODE_RANGE / float(upper.mean()))
