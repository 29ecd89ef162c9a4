"""Figure S22 (Sec. 3.1): is a synthesized picture a copy of a training picture?

Each picture's nearest training pictures, in pixels and in eight layers.  A copy stands out: it is much nearer to one
training picture than to the next ones.  So the ratio of these distances counts, against that of held-out pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from dgnam.api.neighbors import PictureNeighbors
from dgnam.data.preprocessing import deprocess, preprocess
from dgnam.measure import authentic, copying_ratio, copying_z
from dgnam.measure.statistics import proportion

from .context import Context
from .experiment import Experiment, Replacement, Size, mini, published
from .finding import Controls, Part, percent
from .making import evenly

SPACES = ("pixels", "conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8")
NEIGHBORS = 50
LOWEST = 1.0
"""A picture whose ratio lies in this lowest percentage of the held-out pictures' counts as a copy."""

NOISE = 10.0
"""Gray levels of the noise on noisy copies."""

AMOUNTS = {"smoke": (100, 5, 60), "small": (5000, 60, 10), "full": (None, 500, 1)}
"""Training pictures searched, at most; held-out pictures beside them; and every so manieth is searched."""

NOTE = (
    "Held-out pictures of all classes, not of its own; controls: exact and noisy copies, in the space where the fewest "
    "are found."
)
AUTHENTIC = ("pixels", "conv5", "fc6")
"""The spaces of AuthPct, each of which takes another search of all training pictures."""

SHOWN = 8


def run(context: Context) -> Mapping[str, Any]:
    """The pictures, held-out ones, and copies of training pictures, each with its neighbors."""
    limit, count, every = AMOUNTS[context.arguments["scale"]]
    made = context.synthesize("dgn_am", settings="released")
    training = context.training.every(every)
    searched = len(training) if limit is None else min(limit, len(training))
    held_out = context.held_out.part(range(0, len(context.held_out), max(1, len(context.held_out) // count)))
    chosen = training.part(range(0, searched, max(1, searched // max(5, count // 5))))
    queries = {
        "synthesized": made.true_colors,
        "held_out": context.shown(held_out)[0],
        **{kind: make(context, context.shown(chosen)[0]) for kind, make in COPIES.items()},
    }
    found = {
        name: nearest(context, name, shown, f"{training.name}[::{every}]" if every > 1 else training.name, limit)
        for name, shown in queries.items()
    }
    ratios = {name: np.stack([copying_ratio(rows) for rows in one.distances]) for name, one in found.items()}
    for name, values in ratios.items():
        own = (made.units, made.seeds) if name == "synthesized" else (range(values.shape[1]), (0,))
        context.tabulate(name, *own, {f"ratio, {space}": of for space, of in zip(SPACES, values, strict=True)})
    bounds = np.percentile(ratios["held_out"], LOWEST, axis=1)[:, None]
    copied = {name: np.asarray(values <= bounds) for name, values in ratios.items()}
    parts: dict[str, Part] = {
        f"copies, {space}": percent(partial(proportion, made.by_unit(flags)))
        for space, flags in zip(SPACES, copied["synthesized"], strict=True)
    }
    parts["controls detected"] = percent(partial(proportion, fewest_found(copied)))
    show(context, found["synthesized"])
    context.plot_quartiles(
        "ratios",
        {name.replace("_", "-"): dict(zip(SPACES, values, strict=True)) for name, values in ratios.items()},
        across="space",
        upwards=f"distance to the nearest / mean to {NEIGHBORS - 1} next",
        title="Copies have low ratios (medians, quartiles)",
    )
    context.decide("sec3.1-copying", parts, controls=Controls({"held-out pictures": LOWEST}), note=NOTE)
    median = {name: dict(zip(SPACES, map(float, np.median(values, 1)), strict=True)) for name, values in ratios.items()}
    held = found["held_out"].distances[..., 0]
    tested = {
        f"C_T, {name}": {
            space: copying_z(ours, theirs)
            for space, ours, theirs in zip(SPACES, one.distances[..., 0], held, strict=True)
        }
        for name, one in found.items()
        if name not in ("held_out", *DETECTED)
    }
    detected = {
        f"detected, {kind}": dict(zip(SPACES, map(float, 100 * copied[kind].mean(1)), strict=True)) for kind in COPIES
    }
    both = {name: found[name] for name in ("synthesized", "held_out")}
    return median | detected | tested | authenticity(context, both, limit)


def fewest_found(copied: Mapping[str, np.ndarray]) -> np.ndarray:
    """(pictures, kinds) bool: which copies of each training picture are found, in the space where the fewest are.

    copied: by kind (spaces, pictures).
    """
    found = np.stack([copied[kind] for kind in DETECTED], axis=2)
    return np.asarray(found[found.mean((1, 2)).argmin()])


def noisy(context: Context, pictures: np.ndarray) -> np.ndarray:
    """Copies of pictures (N, h, w, 3) uint8 with noise."""
    noise = np.random.default_rng(0).normal(0, NOISE, pictures.shape)
    return np.clip(np.rint(pictures + noise), 0, 255).astype(np.uint8)


def reconstructed(context: Context, pictures: np.ndarray) -> np.ndarray:
    """What the prior makes of its encoder's codes of pictures (N, h, w, 3) uint8."""
    return deprocess(context.reconstructed(preprocess(pictures)))


COPIES: Mapping[str, Callable[[Context, np.ndarray], np.ndarray]] = {
    "exact copies": lambda context, pictures: pictures,
    "noisy copies": noisy,
    "reconstructions": reconstructed,
}
"""What is made of training pictures, and how far it is taken for copies of them."""

DETECTED = ("exact copies", "noisy copies")
"""Those that must be found; a generator that loses much of a picture need not copy it."""


def nearest(context: Context, name: str, shown: np.ndarray, training: str, limit: int | None) -> PictureNeighbors:
    """The nearest training pictures of pictures (N, h, w, 3) uint8, as a step."""
    return context.neighbors(f"neighbors_{name}", shown, layers=SPACES, images=training, k=NEIGHBORS, limit=limit)


def authenticity(
    context: Context, found: Mapping[str, PictureNeighbors], limit: int | None
) -> dict[str, dict[str, float]]:
    """AuthPct: of 100 pictures, those farther from their nearest training picture than that is from the next.

    A step for each space, of the training pictures that are nearest to some picture.
    """
    shares: dict[str, dict[str, float]] = {f"AuthPct, {name}": {} for name in found}
    one = next(iter(found.values()))
    for space in AUTHENTIC:
        place = SPACES.index(space)
        own = np.unique(np.concatenate([each.places[place, :, 0] for each in found.values()]))
        twins = np.stack([one.searched(int(training)) for training in own])
        listing = one.dataset.name
        others = context.neighbors(f"twins_{space}", twins, layers=(space,), images=listing, k=2, limit=limit)
        for name, each in found.items():
            which = np.searchsorted(own, each.places[place, :, 0])
            # The nearest to a training picture is itself.
            farther = authentic(each.distances[place, :, 0], others.distances[0, which, 1])
            shares[f"AuthPct, {name}"][space] = 100 * float(farther.mean())
    return shares


def show(context: Context, found: PictureNeighbors) -> None:
    """Some pictures, each with its nearest training picture in each space."""
    rows = evenly(range(len(found.names)), SHOWN)
    tiles, names = [], []
    for row in rows:
        tiles += [found.queries[row], *(found.picture(space, row) for space in range(len(SPACES)))]
        names += ["synthesized", *SPACES]
    title = "Synthesized pictures and their nearest training pictures"
    context.show_pictures("neighbors", tiles, names, title, 1 + len(SPACES))


EXPERIMENT = Experiment(
    name="sec3_1_memorization",
    section="3.1",
    figure="Fig. S22",
    claims=("sec3.1-copying",),
    models={
        "mini": mini("caffenet-mini", "deepsim-fc6-v2-mini", pictures=("tinyimagenet64-train", "tinyimagenet64-val")),
        "paper": published("caffenet", "deepsim-fc6", pictures=("ilsvrc12-train", "ilsvrc12-val")),
    },
    sizes={"smoke": Size(3, 1, 3), "small": Size(20, 1), "full": Size(200, 2)},
    run=run,
    further=("ratios",),
    replacement=Replacement(same_classes=False, layers=SPACES[1:]),
    reconstructs=True,
)
