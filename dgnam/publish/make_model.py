"""Training a model of the small zoo, measuring it as it will be stored, and storing it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from .. import zoo
from ..caffe.errors import CaffeError
from ..caffe.module import CaffeModule
from ..caffe.proto import pb, read_net, read_solver, write_caffemodel
from ..caffe.proto.files import replacing
from ..data import MEAN_BGR, load_set
from ..measure import act_range, codes_of
from ..runs import sha256
from ..train.classifier import solver_net, train_classifier, trunk
from ..train.feed import FeedSpec, cut_feed
from ..train.fold import Arrays, averaged, fold, scale_code
from ..train.generator import train_generator
from . import plans
from .card import card_text, effort
from .measured import as_stored, measure_classifier, measure_generator
from .plans import ClassifierPlan, GeneratorPlan
from .storage import storage_of, store

CODE_RANGE = 12.0
"""The mean act_range of CaffeNet's fc6 in the published code (act_range/3x/fc6.txt), which steps of 8 were made for."""


@dataclass(frozen=True)
class Made:
    """A trained model: its weights, and what its card says of it."""

    weights: Arrays
    card: dict[str, Any]
    act_range: np.ndarray | None = None


def make(
    name: str,
    run_folder: str | Path,
    *,
    data_folder: str | Path | None = None,
    device: str = "cpu",
    time_limit: float | None = None,
    progress: bool = True,
) -> Path | None:
    """Train model `name` of the small zoo, or go on from the checkpoint in `run_folder`, and put it into `models/`.

    A generator of full size is left in `run_folder`, as generator.caffemodel: its published weights keep their place.

    time_limit: seconds after which training stops at a checkpoint; the result is then None.
    Returns the model's folder.
    """
    plan = plans.plan_of(name)
    how: dict[str, Any] = {"data_folder": data_folder, "device": device, "time_limit": time_limit, "progress": progress}
    if isinstance(plan, GeneratorPlan) and plan.judge is None:
        return _make_full_size(name, plan, Path(run_folder), **how)
    models = zoo.data_folder("models")
    if not os.access(models, os.W_OK):
        raise CaffeError(f"{models} can't be written to, and the trained model belongs there: work in a checkout")
    if isinstance(plan, ClassifierPlan):
        made = _make_classifier(name, plan, Path(run_folder), **how)
    else:
        made = _make_generator(name, plan, Path(run_folder), **how)
    return None if made is None else _store(name, made)


def _make_classifier(name: str, plan: ClassifierPlan, run_folder: Path, **how: Any) -> Made | None:
    folder, earlier = zoo.get(name).folder, None
    training: dict[str, Any] = {}
    if plan.pretraining is not None:
        first = train_classifier(folder / plan.pretraining, run_folder / "pretraining", **how)
        if first is None:
            return None
        earlier = trunk(first.cpu())
        training["pretraining"] = _classifier_effort(folder / plan.pretraining, run_folder / "pretraining", how)
    if plan.start is not None:
        earlier = trunk(zoo.load(plan.start), zoo.get(plan.start).scores)
    net = train_classifier(folder / "solver.prototxt", run_folder, weights=earlier, **how)
    if net is None:
        return None
    weights = fold(net.cpu()) if plan.folded else averaged(net.cpu())
    if plan.code is not None:
        _scale_code(name, weights, plan.code, how["data_folder"])
    measured = measure_classifier(name, plan, as_stored(name, weights), how["data_folder"])
    training = {**_classifier_effort(folder / "solver.prototxt", run_folder, how), **training}
    return Made(weights, {"what": plan.note, "training": training, "measured": measured, "data": plan.data})


def _classifier_effort(solver_path: Path, run_folder: Path, how: dict[str, Any]) -> dict[str, Any]:
    solver, definition = solver_net(solver_path)
    feed = cut_feed(definition, pb.TRAIN)[0]
    return effort(run_folder, feed, solver.max_iter, how["device"])


def _scale_code(name: str, weights: Arrays, code: tuple[str, str], data_folder: Any) -> None:
    """Let the code layer's act_range average `CODE_RANGE`."""
    deployed = CaffeModule(read_net(zoo.get(name).prototxt), weights).eval()
    upper = act_range(codes_of(deployed, code[0], load_set(plans.HELD_OUT, data_folder)))
    scale_code(weights, *code, CODE_RANGE / float(upper.mean()))


def _make_full_size(name: str, plan: GeneratorPlan, run_folder: Path, **how: Any) -> Path | None:
    entry = zoo.get(name)
    net = train_generator(entry.folder, plan.recipe, zoo.load(plan.encoder), run_folder, **how)
    if net is None:
        return None
    write_caffemodel(run_folder / "generator.caffemodel", read_net(entry.prototxt), fold(net.cpu()))
    return run_folder


def _make_generator(name: str, plan: GeneratorPlan, run_folder: Path, **how: Any) -> Made | None:
    encoder = zoo.load(plan.encoder)
    folder = zoo.get(name).folder
    net = train_generator(folder, plan.recipe, encoder, run_folder, **how)
    if net is None:
        return None
    weights = fold(net.cpu())
    held_out = load_set(plans.HELD_OUT, how["data_folder"])
    upper = act_range(codes_of(encoder.cpu(), plan.recipe.code_layer, held_out))
    feed = FeedSpec(plan.recipe.source, plan.recipe.batch_size, held_out.images.shape[1], True, MEAN_BGR)
    card = {
        "what": plan.note,
        "training": effort(run_folder, feed, read_solver(folder / "solver.prototxt").max_iter, how["device"]),
        "measured": measure_generator(plan, as_stored(name, weights), encoder, held_out),
        "data": plan.data,
    }
    return Made(weights, card, upper)


def _store(name: str, made: Made) -> Path:
    """Write weights, act_range, card and checksum, each whole."""
    entry = zoo.get(name)
    folder = zoo.data_folder("models") / name
    folder.mkdir(exist_ok=True)
    path = folder / entry.weights.file
    store(path, read_net(entry.prototxt), made.weights)
    if made.act_range is not None:
        text = " ".join(f"{value:.5g}" for value in made.act_range.ravel()) + "\n"
        _write(folder / "act_range.txt", lambda path: path.write_text(text))
    about = {"file": path.name, "storage": storage_of(path.name), "sha256": sha256(path), "bytes": path.stat().st_size}
    card = {"name": name, **made.card, **about, "date": date.today().isoformat()}
    _write(folder / "card.json", lambda path: path.write_text(json.dumps(card, indent=2) + "\n"))
    _write(folder / "README.md", lambda path: path.write_text(card_text(card)))
    _register(name, card["sha256"])
    zoo.forget()
    return folder


def _register(name: str, digest: str) -> None:
    """Freeze the weights: their checksum goes into the registry, and a file that differs is refused from then on."""
    path = zoo.data_folder("models") / "registry.json"
    registry = json.loads(path.read_text(encoding="utf-8"))
    registry[name]["weights"]["checksum"] = f"sha256:{digest}"
    registry[name]["weights"]["checksum_source"] = f"models/{name}/card.json"
    text = json.dumps(registry, indent=2, ensure_ascii=False) + "\n"
    _write(path, lambda partial: partial.write_text(text, encoding="utf-8"))


def _write(path: Path, save: Callable[[Path], object]) -> None:
    with replacing(path) as partial:
        save(partial)
