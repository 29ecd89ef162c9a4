"""Training a model of the small zoo, measuring it as it will be stored, and storing it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from ... import zoo
from ...caffe.proto import read_net
from ...errors import DgnamError
from ...files.checksums import sha256
from ...files.paths import replacing
from ...zoo.registry import clear_cache
from . import recipes
from .card import Built, card_text
from .classifier import build_classifier, build_intermediate
from .generator import build_full_size, build_generator
from .recipes import ZooClassifier, ZooGenerator, ZooIntermediate
from .storage import storage_of, store


def build_model(
    name: str,
    run_folder: str | Path,
    *,
    data_folder: str | Path | None = None,
    device: str = "cpu",
    time_limit: float | None = None,
    replace: bool = False,
    progress: bool = True,
) -> Path | None:
    """Train model `name` of the small zoo, or go on from the checkpoint in `run_folder`, and put it into `models/`.

    A generator of full size is left in `run_folder`, as generator.caffemodel: its published weights keep their place.

    time_limit: seconds after which training stops at a checkpoint; the result is then None.
    replace: put the model into the place of the one that is there; otherwise that is a DgnamError, before any training.
    Returns the model's folder.
    """
    recipe = recipes.recipe_of(name)
    spec = {"model": name, "data": None if data_folder is None else str(data_folder), "device": device}
    how: dict[str, Any] = {"data_folder": data_folder, "device": device, "time_limit": time_limit, "progress": progress}
    how["spec"] = {**spec, "replace": replace}
    if isinstance(recipe, ZooGenerator) and recipe.judge is None:
        return build_full_size(name, recipe, Path(run_folder), **how)
    models = zoo.data_folder("models")
    if not os.access(models, os.W_OK):
        raise DgnamError(f"{models} can't be written to, and the trained model belongs there: work in a checkout")
    if not replace:
        _check_free(name)
    if isinstance(recipe, ZooClassifier):
        made = build_classifier(name, recipe, Path(run_folder), **how)
    elif isinstance(recipe, ZooIntermediate):
        made = build_intermediate(name, recipe, Path(run_folder), **how)
    else:
        made = build_generator(name, recipe, Path(run_folder), **how)
    return None if made is None else _store(name, made)


def _check_free(name: str) -> None:
    """Raise DgnamError where a model of this name is stored already, or its checksum."""
    weights = zoo.get(name).weights
    path = zoo.data_folder("models") / name / weights.file
    if path.exists() or weights.checksum is not None:
        raise DgnamError(
            f"{path} is there already, with its checksum in the registry: give --replace to put a newly trained "
            f"'{name}' into its place"
        )


def _store(name: str, made: Built) -> Path:
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
    named = {"name": name} if entry.definition is None else {"name": name, "definition": entry.definition}
    card = {**named, **made.card, **about, "date": date.today().isoformat()}
    _write(folder / "card.json", lambda path: path.write_text(json.dumps(card, indent=2) + "\n"))
    _write(folder / "README.md", lambda path: path.write_text(card_text(card)))
    _register(name, card["sha256"])
    clear_cache()
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
