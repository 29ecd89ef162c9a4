"""The small zoo: training one of its models and putting it into `models/` with a card of what was measured.

A classifier is trained with batch normalisation, which is folded away; an encoder's code layer is scaled so that its
act_range averages what CaffeNet's fc6 has, so that the published step sizes suit it.  Weights are stored as Caffe's
HDF5 in float16, and what the card says was measured on that file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import torch

from . import zoo
from .am.crop import centre
from .caffe.errors import CaffeError, closest
from .caffe.module import CaffeModule
from .caffe.proto import pb, read_net, read_solver, write_hdf5_weights
from .caffe.proto.files import replacing
from .data import MEAN_BGR, ImageSet, centre_crop, load_set, preprocess
from .measure import Judge, act_range, codes_of
from .runs import sha256, threads
from .train.classifier import evaluate, train_classifier
from .train.feed import FeedSpec, cut_feed
from .train.fold import Arrays, fold, scale_code
from .train.generator import Encoder, GeneratorRecipe, train_generator

CODE_RANGE = 12.0
"""The mean act_range of CaffeNet's fc6 in the published code (act_range/3x/fc6.txt), which steps of 8 were made for."""

HELD_OUT = "tinyimagenet64-val"
PICTURES = "Tiny-ImageNet-200, a 64 px subset of ImageNet (ILSVRC 2012); ImageNet's terms: non-commercial research"


@dataclass(frozen=True)
class ClassifierPlan:
    """How a classifier of the zoo is made; `code` names its code layer and the layer behind it, where it encodes."""

    note: str
    code: tuple[str, str] | None = None


@dataclass(frozen=True)
class GeneratorPlan:
    """How a generator of the zoo is made, and which classifier judges its reconstructions."""

    note: str
    encoder: str
    judge: str
    recipe: GeneratorRecipe


PLANS: dict[str, ClassifierPlan | GeneratorPlan] = {
    "caffenet-mini": ClassifierPlan("the encoder E, comparator C and default target at 64 px", ("fc6", "fc7")),
    "judge-mini": ClassifierPlan("an independent judge of pictures: another architecture and seed, never a target"),
    "deepsim-fc6-mini": GeneratorPlan(
        "the default prior at 64 px: it inverts caffenet-mini's fc6",
        "caffenet-mini",
        "judge-mini",
        GeneratorRecipe("tinyimagenet64-train", "fc6", ("pool5",)),
    ),
}


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

    time_limit: seconds after which training stops at a checkpoint; the result is then None.
    Returns the model's folder.
    """
    if name not in PLANS:
        raise CaffeError(f"there is no recipe for '{name}'; there are: {closest(name, PLANS)}")
    plan = PLANS[name]
    models = zoo.data_folder("models")
    if not os.access(models, os.W_OK):
        raise CaffeError(f"{models} can't be written to, and the trained model belongs there: work in a checkout")
    how: dict[str, Any] = {"data_folder": data_folder, "device": device, "time_limit": time_limit, "progress": progress}
    if isinstance(plan, ClassifierPlan):
        made = _make_classifier(name, plan, Path(run_folder), **how)
    else:
        made = _make_generator(name, plan, Path(run_folder), **how)
    return None if made is None else _store(name, made)


def _make_classifier(name: str, plan: ClassifierPlan, run_folder: Path, **how: Any) -> Made | None:
    solver = zoo.get(name).folder / "solver.prototxt"
    net = train_classifier(solver, run_folder, **how)
    if net is None:
        return None
    weights = fold(net.cpu())
    definition = read_net(solver.parent / read_solver(solver).net)
    train_feed, test_feed = cut_feed(definition, pb.TRAIN)[0], cut_feed(definition, pb.TEST)[0]
    held_out = load_set(test_feed.source, how["data_folder"])
    if plan.code is not None:
        layer, following = plan.code
        deployed = CaffeModule(read_net(zoo.get(name).prototxt), weights).eval()
        upper = act_range(codes_of(deployed, layer, held_out))
        scale_code(weights, layer, following, CODE_RANGE / float(upper.mean()))
    stored = _as_stored(name, weights)
    accuracy = evaluate(stored, held_out, test_feed, scores=str(zoo.get(name).scores))
    card = {
        "what": plan.note,
        "training": _effort(run_folder, train_feed, read_solver(solver).max_iter, how["device"]),
        "measured": {
            "on": f"{test_feed.source}, {len(held_out)} pictures, centre {test_feed.crop_size} px",
            "top1": accuracy.top1,
            "top5": accuracy.top5,
        },
    }
    return Made(weights, card)


def _make_generator(name: str, plan: GeneratorPlan, run_folder: Path, **how: Any) -> Made | None:
    encoder = zoo.load(plan.encoder)
    folder = zoo.get(name).folder
    net = train_generator(folder, plan.recipe, encoder, run_folder, **how)
    if net is None:
        return None
    weights = fold(net.cpu())
    held_out = load_set(HELD_OUT, how["data_folder"])
    encoder.cpu()
    upper = act_range(codes_of(encoder, plan.recipe.code_layer, held_out))
    judge = Judge(zoo.load(plan.judge), str(zoo.get(plan.judge).scores))
    measured = reconstruction(_as_stored(name, weights), encoder, plan.recipe, held_out, judge)
    side = held_out.images.shape[1]
    feed = FeedSpec(plan.recipe.source, plan.recipe.batch_size, side, True, MEAN_BGR)
    card = {
        "what": plan.note,
        "training": _effort(run_folder, feed, read_solver(folder / "solver.prototxt").max_iter, how["device"]),
        "measured": {"on": f"{HELD_OUT}, {len(held_out)} pictures", **measured},
    }
    return Made(weights, card, upper)


def remeasure(name: str, data_folder: str | Path | None = None) -> dict[str, float]:
    """What the card of a model says of it, measured again on the held-out pictures with the files that are here."""
    plan = PLANS.get(name)
    if isinstance(plan, GeneratorPlan):
        judge = Judge(zoo.load(plan.judge), str(zoo.get(plan.judge).scores))
        pictures = load_set(HELD_OUT, data_folder)
        return reconstruction(zoo.load(name), zoo.load(plan.encoder), plan.recipe, pictures, judge)
    if plan is None:
        raise CaffeError(
            f"there is no recipe for '{name}', which would say how it was measured; there are: {closest(name, PLANS)}"
        )
    entry = zoo.get(name)
    solver = entry.folder / "solver.prototxt"
    test_feed = cut_feed(read_net(solver.parent / read_solver(solver).net), pb.TEST)[0]
    accuracy = evaluate(zoo.load(name), load_set(test_feed.source, data_folder), test_feed, scores=str(entry.scores))
    return {"top1": accuracy.top1, "top5": accuracy.top5}


def reconstruction(
    generator: CaffeModule, encoder: CaffeModule, recipe: GeneratorRecipe, pictures: ImageSet, judge: Judge
) -> dict[str, float]:
    """How near the generator's reconstructions of `pictures` come.

    code_cosine: the mean cosine between a reconstruction's code and the picture's.
    feature_distance: squared distance at the comparator's first layer, relative to the features' mean square.
    pixel_rms: root mean square difference, in grey levels of 255.
    judge_top5, judge_top5_of_pictures: how often the judge sees the picture's class, in each.
    """
    code_net = Encoder(encoder, recipe.code_layer, recipe.comparator_layers)
    generator.eval()
    sums = np.zeros(4)
    ours: list[np.ndarray] = []
    for start in range(0, len(pictures), 250):
        real = torch.from_numpy(preprocess(pictures.images[start : start + 250]))
        with torch.no_grad():
            code, features = code_net(real)
            fake = next(iter(generator(code).values()))
            fake_code, fake_features = code_net(fake)
        sums[0] += torch.nn.functional.cosine_similarity(fake_code, code).sum().item()
        sums[1] += (fake_features[0] - features[0]).square().sum().item()
        sums[2] += features[0].square().sum().item()
        sums[3] += (fake - real).square().mean((1, 2, 3)).sum().item()
        ours.append(fake.numpy()[(..., *centre((fake.shape[2], fake.shape[3]), judge.size))])
    originals = preprocess(centre_crop(pictures.images, judge.size[0]))
    return {
        "code_cosine": sums[0] / len(pictures),
        "feature_distance": sums[1] / sums[2],
        "pixel_rms": float(np.sqrt(sums[3] / len(pictures))),
        "judge_top5": judge.rank(np.concatenate(ours), pictures.labels).top(5),
        "judge_top5_of_pictures": judge.rank(originals, pictures.labels).top(5),
    }


def _as_stored(name: str, weights: Mapping[str, list[np.ndarray]]) -> CaffeModule:
    """The deployed net with the weights as float16 keeps them."""
    rounded = {
        layer: [blob.astype(np.float16).astype(np.float32) for blob in blobs] for layer, blobs in weights.items()
    }
    return CaffeModule(read_net(zoo.get(name).prototxt), rounded).eval()


def _effort(run_folder: Path, feed: FeedSpec, iterations: int, device: str) -> dict[str, Any]:
    seconds = [entry["seconds"] for entry in _log(run_folder) if "seconds" in entry]
    return {
        "pictures": feed.source,
        "iterations": iterations,
        "batch_size": feed.batch_size,
        "seconds": round(seconds[-1]) if seconds else None,
        "device": device,
        "threads": threads(),
    }


def _log(run_folder: Path) -> list[dict[str, Any]]:
    path = run_folder / "log.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _store(name: str, made: Made) -> Path:
    """Write weights, act_range, card and checksum, each whole."""
    folder = zoo.data_folder("models") / name
    folder.mkdir(exist_ok=True)
    write_hdf5_weights(folder / "weights.h5", made.weights, dtype="float16")
    if made.act_range is not None:
        text = " ".join(f"{value:.5g}" for value in made.act_range.ravel()) + "\n"
        _write(folder / "act_range.txt", lambda path: path.write_text(text))
    digest = sha256(folder / "weights.h5")
    size = (folder / "weights.h5").stat().st_size
    card = {
        "name": name,
        **made.card,
        "sha256": digest,
        "bytes": size,
        "date": date.today().isoformat(),
        "data": PICTURES,
    }
    _write(folder / "card.json", lambda path: path.write_text(json.dumps(card, indent=2) + "\n"))
    _write(folder / "README.md", lambda path: path.write_text(card_text(card)))
    _register(name, digest)
    zoo.forget()
    return folder


def card_text(card: Mapping[str, Any]) -> str:
    """A model's card, for people."""
    training, measured = card["training"], card["measured"]
    minutes = "not recorded" if training["seconds"] is None else f"{training['seconds'] / 60:.0f} minutes"
    numbers = [f"| {key} | {value:.4g} |" for key, value in measured.items() if not isinstance(value, str)]
    lines = [
        f"# {card['name']}",
        "",
        f"{card['what'][0].upper()}{card['what'][1:]}.",
        "",
        f"- Definition: `prototxt/{card['name']}/deploy.prototxt`; weights: `weights.h5`, Caffe's HDF5 in float16, "
        f"{card['bytes']:,} bytes, sha256 `{card['sha256']}`.",
        f"- Data: {card['data']}.",
        f"- Training: `dgnam train {card['name']} --data DIR`: {training['iterations']:,} batches of "
        f"{training['batch_size']} from `{training['pictures']}`; {minutes}.",
        f"- Made on {card['date']}. Licence: as the data's terms allow, for non-commercial research.",
        "",
        f"Measured on {measured['on']}, with the weights as stored:",
        "",
        "| what | value |",
        "| --- | --- |",
        *numbers,
    ]
    return "\n".join(lines) + "\n"


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
