"""Building the zoo's generators."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ... import zoo
from ...caffe.modules.caffe_module import CaffeModule
from ...caffe.proto import pb, read_net, read_solver, write_caffemodel
from ...data.dataset import open_dataset
from ...data.preprocessing import MEAN_BGR
from ...errors import DgnamError, shortened
from ...measure.outside_judge import check_installed
from ..batch_norm.fold import fold, folded_net
from ..checkpoint import last_checkpoint
from ..data_layer import DataLayer
from ..generator import train_generator
from ..moving_average import UPDATES
from ..projected_generator import train_projected
from ..projected_recipe import ProjectedRecipe
from .card import Built, training_facts
from .evaluate import as_stored, code_bounds, evaluate_generator
from .recipes import ZooGenerator


def build_generator(name: str, recipe: ZooGenerator, run_folder: Path, **how: Any) -> Built | None:
    """Train the model; None where the time limit stopped that at a checkpoint.

    Raises MissingPackageError, before any training, where its card needs the outside judge and that is not installed.
    """
    if recipe.outside is not None:
        check_installed()
    net = _train(name, recipe, run_folder, **how)
    if net is None:
        return None
    encoder, training = zoo.load(recipe.encoder), recipe.training
    weights = fold(net.cpu())
    held_out = open_dataset(recipe.held_out, folder=how["data_folder"]).in_memory()
    upper = code_bounds(encoder, training.code_layer, held_out)
    layer = DataLayer(training.source, training.batch_size, held_out.size[0], True, MEAN_BGR)
    last = read_solver(zoo.get(name).folder / "solver.prototxt").max_iter
    card = {
        "what": recipe.note,
        "training": training_facts(run_folder, layer, last, how["device"]),
        "measured": evaluate_generator(recipe, as_stored(name, weights), encoder, held_out),
        "data": recipe.data,
    }
    return Built(weights, card, upper)


def build_full_size(name: str, recipe: ZooGenerator, run_folder: Path, **how: Any) -> Path | None:
    """Train a generator of full size, left in `run_folder` as generator.caffemodel; None as above."""
    net = _train(name, recipe, run_folder, **how)
    if net is None:
        return None
    write_caffemodel(run_folder / "generator.caffemodel", read_net(zoo.get(name).prototxt), fold(net.cpu()))
    return run_folder


def generator_of_run(name: str, run_folder: Path) -> tuple[CaffeModule, int]:
    """Generator `name` as the last checkpoint of its training would be stored, and that checkpoint's iteration.

    The averaged weights, where the training keeps them.
    """
    folder = zoo.get(name).folder
    definition = read_net(folder / read_solver(folder / "solver.prototxt").net)
    state = last_checkpoint(run_folder)
    net = CaffeModule(definition, phase=pb.TRAIN)
    try:
        values = state["average"] if "average" in state else state["nets"]["generator"]
        net.load_state_dict({key: value for key, value in values.items() if key != UPDATES})
    except (KeyError, TypeError, AttributeError, RuntimeError) as error:
        reason = shortened(str(error), 300)
        raise DgnamError(f"{run_folder}: its checkpoint is not of a training of '{name}' ({reason})") from None
    return as_stored(name, fold(net)), int(state["iteration"])


def _train(name: str, recipe: ZooGenerator, run_folder: Path, **how: Any) -> CaffeModule | None:
    folder, encoder, training = zoo.get(name).folder, zoo.load(recipe.encoder), recipe.training
    if isinstance(training, ProjectedRecipe):
        comparators = [_comparator(comparison.model) for comparison in training.comparisons]
        return train_projected(folder, training, encoder, comparators, run_folder, **how)
    return train_generator(folder, training, encoder, run_folder, **how)


def _comparator(name: str) -> CaffeModule:
    """A model of the zoo to compare with, batch normalization in its weights."""
    return folded_net(read_net(zoo.get(name).prototxt), zoo.load(name))
