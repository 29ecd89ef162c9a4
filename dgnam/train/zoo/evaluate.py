"""What a card says of a model, measured with its weights as they are stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ... import zoo
from ...caffe.modules.caffe_module import CaffeModule
from ...caffe.proto import pb, read_net
from ...data.clips import Clips, FramesShuffled
from ...data.dataset import Dataset, open_dataset
from ...data.preprocessing import MEAN_BGR, Preprocessing, center_crop, preprocess
from ...errors import DgnamError
from ...files.paths import StrPath
from ...measure import Judge, OutsideJudge, measure_codes
from ...measure.outside_judge import HALVES, REPORTED
from ..classifier import evaluate
from ..data_layer import DataLayer, split_data_layer
from ..encoder import Encoder
from ..solver_nets import solver_nets
from . import recipes
from .recipes import ZooClassifier, ZooGenerator, ZooIntermediate
from .reconstruction import reconstruct
from .storage import as_read


def as_stored(name: str, weights: Mapping[str, list[np.ndarray]]) -> CaffeModule:
    """The deployed net with the weights as its file keeps them."""
    entry = zoo.get(name)
    return CaffeModule(read_net(entry.prototxt), as_read(entry.weights.file, weights)).eval()


def code_bounds(encoder: CaffeModule, layer: str, dataset: Dataset) -> np.ndarray:
    """The act_range of a layer over the centers of a dataset's pictures: mean + 3 standard deviations, (n,) float32."""
    height, width = encoder.plan.blob_shapes[encoder.plan.inputs[0]][2:]
    preprocessing = Preprocessing((height, width), dataset.size, np.array(MEAN_BGR, np.float32))
    return measure_codes(encoder, layer, dataset, preprocessing, batch_size=250).bounds()


def evaluate_model(name: str, data_folder: StrPath | None = None, *, outside: bool = True) -> dict[str, float]:
    """The numbers that the card of model `name` has, as its stored weights give them now on the pictures it names.

    outside: whether to measure those of the outside judge too, which needs the extra `judge`.
    """
    recipe = recipes.recipe_of(name)
    net = zoo.load(name)
    if isinstance(recipe, ZooClassifier | ZooIntermediate):
        now = evaluate_classifier(name, recipes.classifier_recipe(recipe), net, data_folder)
    else:
        held_out = open_dataset(recipe.held_out, folder=data_folder).in_memory()
        now = evaluate_generator(recipe, net, zoo.load(recipe.encoder), held_out, outside=outside)
    return {key: value for key, value in now.items() if key != "on"}


def evaluate_classifier(
    name: str, recipe: ZooClassifier, net: CaffeModule, data_folder: StrPath | None
) -> dict[str, Any]:
    """Accuracy on the held-out pictures that the training definition names; of a control on each half too.

    Of one that memorises also on its training pictures, their centres; of one that sees clips also on clips with their
    frames in random order.
    """
    layer, scores = held_out_layer(name, recipe, data_folder), str(zoo.get(name).scores)
    held_out = layer.load(data_folder)
    accuracy = evaluate(net, held_out, layer, scores=scores)
    measured: dict[str, Any] = {
        "on": f"{layer.source}, {len(held_out)} pictures, center {layer.crop_size} px",
        "top1": accuracy.top1,
    }
    if net.plan.blob_shapes[net.plan.blob_index(scores)][1] > 5:
        measured["top5"] = accuracy.top5
    if isinstance(held_out, Clips):
        measured["on"] = f"{layer.source}, {len(held_out)} clips of {layer.frames} frames"
        shuffled = evaluate(net, FramesShuffled(held_out), layer, scores=scores)
        measured["top1_frames_shuffled"] = shuffled.top1
    if recipe.modified and isinstance(held_out, Dataset):
        for which, part in (("regular", 0), ("modified", 1)):
            measured[f"top1_{which}"] = evaluate(net, held_out.half(part), layer, scores=scores).top1
    if recipe.memorises:
        shown = _data_layer(name, recipe, pb.TRAIN, data_folder)
        known = shown.load(data_folder)
        measured["on"] += f"; top1_training on {shown.source}, {len(known)} pictures"
        measured["top1_training"] = evaluate(net, known, layer, scores=scores).top1
    return measured


def held_out_layer(name: str, recipe: ZooClassifier, data_folder: StrPath | None) -> DataLayer:
    """The data layer of the held-out pictures, which the training definition names."""
    return _data_layer(name, recipe, pb.TEST, data_folder)


def _data_layer(name: str, recipe: ZooClassifier, phase: pb.Phase, data_folder: StrPath | None) -> DataLayer:
    definition = solver_nets(zoo.get(name).folder / recipe.solver, beside=True).train.definition
    return split_data_layer(definition, phase, data_folder)[0]


def evaluate_generator(
    recipe: ZooGenerator, net: CaffeModule, encoder: CaffeModule, held_out: Dataset, *, outside: bool = True
) -> dict[str, Any]:
    """How near its reconstructions of the held-out pictures come.

    judge_top5, judge_top5_of_pictures: how often the judge sees the picture's class among its first five, in each.
    outside_top1, outside_top5, …_of_pictures: the same of the outside judge, on the pictures of odd index; by the
        others generators are chosen.
    """
    if recipe.judge is None:
        raise DgnamError("a generator of full size is not measured here: its recipe names no judge")
    judge = Judge(zoo.load(recipe.judge), str(zoo.get(recipe.judge).scores))
    found = reconstruct(net, Encoder(encoder, recipe.training.code_layer, recipe.training.comparator_layers), held_out)
    pictures, labels = held_out.take(slice(None))
    ours, originals = found.center(judge.size), preprocess(center_crop(pictures, judge.size))
    measured: dict[str, Any] = {
        "on": f"{recipe.held_out}, {len(held_out)} pictures",
        "code_cosine": found.code_cosine,
        "feature_distance": found.feature_distance,
        "pixel_rms": found.pixel_rms,
        "judge_top5": judge.rank(ours, labels).top(5),
        "judge_top5_of_pictures": judge.rank(originals, labels).top(5),
    }
    if recipe.outside is None or not outside:
        return measured
    reported = slice(HALVES[REPORTED], None, 2)
    measured["on"] += f"; the outside judge on the {len(labels[reported])} of {REPORTED} index"
    return measured | _outside(recipe.outside, ours[reported], originals[reported], labels[reported])


def _outside(label_set: str, ours: np.ndarray, originals: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """How often the outside judge sees the picture's class first, and among five, in reconstructions and pictures."""
    judge = OutsideJudge.of_labels(label_set)
    made, real = judge.rank(ours, labels), judge.rank(originals, labels)
    return {
        "outside_top1": made.top(1),
        "outside_top5": made.top(5),
        "outside_top1_of_pictures": real.top(1),
        "outside_top5_of_pictures": real.top(5),
    }
