"""Real pictures for a target: which ones, where nobody says, and how they come to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from .. import zoo
from ..caffe.proto import pb
from ..data.dataset import Dataset, open_dataset
from ..data.preprocessing import MEAN_BGR, STRETCH, Preprocessing, read_size
from ..errors import DgnamError
from ..files.paths import StrPath
from ..train.data_layer import split_data_layer
from ..train.solver_nets import solver_nets
from ..train.zoo.recipes import RECIPES, ZooClassifier, ZooIntermediate, classifier_recipe
from .targets import ResolvedTarget

HELD_OUT, TRAINING = "held-out", "training"
SPLITS = {HELD_OUT: "val", TRAINING: "train"}
"""Of a public image set."""


def open_pictures(
    images: StrPath | None,
    target: ResolvedTarget,
    which: str,
    *,
    data: StrPath | None = None,
    root: StrPath | None = None,
    listing: str | None = None,
) -> Dataset:
    """The pictures that are named; None takes those of a model of the zoo: its HELD_OUT or its TRAINING ones.

    data, root, listing: as `open_dataset` takes them.
    """
    source = own_pictures(target, which) if images is None else images
    return open_dataset(source, root=root, listing=listing, folder=data)


def own_pictures(target: ResolvedTarget, which: str) -> str:
    """The name of the pictures that a model of the zoo was trained or measured on; DgnamError for other targets."""
    name = target.record.get("model")
    recipe, published = RECIPES.get(str(name)), None if name is None else zoo.get(str(name)).image_set
    if published is not None:
        return f"{published}-{SPLITS[which]}"
    if not isinstance(recipe, ZooClassifier | ZooIntermediate):
        raise DgnamError(
            f"the {which} pictures of target '{target.name}' are not known here: name pictures, as a folder, a "
            "listing, a zip, an LMDB or an image set"
        )
    solver = zoo.get(str(name)).folder / classifier_recipe(recipe).solver
    definition = solver_nets(solver, beside=True).train.definition
    return split_data_layer(definition, pb.TRAIN if which == TRAINING else pb.TEST)[0].source


def picture_preprocessing(target: ResolvedTarget, resize: str = STRETCH, size: str | None = None) -> Preprocessing:
    """From pictures to what a target takes, BGR minus 104, 117, 123.

    resize, size: see `dgnam.data.preprocessing`; where None, pictures get the size that a model of the zoo has them in
        before its crop, else that of the target's input.
    """
    height, width = target.target.size
    before = (height, width)
    for name in _models(target.record):
        usual = zoo.get(name).preprocessing
        if (usual.crop, usual.crop) == before:
            before = (usual.resize[0], usual.resize[1])
            break
    mean = np.array(MEAN_BGR, np.float32)
    return Preprocessing((height, width), before if size is None else read_size(size), mean, resize=resize)


def _models(record: Mapping[str, Any]) -> Iterator[str]:
    """The models of the zoo that a target consists of."""
    if "model" in record:
        yield str(record["model"])
    for part in dict(record.get("joint", {})).values():
        yield from _models(part)
