"""A zoo of toy models, whose trainings take seconds."""

import json
import re
from dataclasses import replace

import pytest

from dgnam.train import zoo as train_zoo
from dgnam.train.generator import GeneratorRecipe
from dgnam.train.losses import RelativeLosses
from dgnam.train.projected_recipe import Comparison, ProjectedRecipe
from dgnam.zoo import folders as zoo_folders
from dgnam.zoo.registry import clear_cache
from tests.toy import (
    ADAM,
    CONVOLUTIONAL_DISCRIMINATOR,
    CONVOLUTIONAL_GENERATOR,
    DISCRIMINATOR,
    GENERATOR,
    SOLVER,
)

INPUT = 'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 12 dim: 12 } } }\n'
CONV = """layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
  convolution_param { num_output: 8 kernel_size: 3 stride: 2 %s } }
%s
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
layer { name: "fc6" type: "InnerProduct" bottom: "conv1" top: "fc6"
  inner_product_param { num_output: 10 weight_filler { type: "msra" } } }
layer { name: "relu6" type: "ReLU" bottom: "fc6" top: "fc6" }
layer { name: "fc8" type: "InnerProduct" bottom: "fc6" top: "fc8"
  inner_product_param { num_output: 6 weight_filler { type: "xavier" } } }
"""
MEAN = "mean_value: 104 mean_value: 117 mean_value: 123"
FEEDS = "".join(
    f'layer {{ name: "data" type: "ImageData" top: "data" top: "label" include {{ phase: {phase} }} '
    f'transform_param {{ crop_size: 12 {MEAN} }} image_data_param {{ source: "toy-{split}" batch_size: 20 }} }}\n'
    for phase, split in (("TRAIN", "train"), ("TEST", "val"))
)
MODIFIED = re.sub(r'source: "(toy-\w+)"', r'source: "\1+blur"', FEEDS)
NORM = """layer { name: "conv1/bn" type: "BatchNorm" bottom: "conv1" top: "conv1"
  batch_norm_param { moving_average_fraction: 0.8 } }
layer { name: "conv1/scale" type: "Scale" bottom: "conv1" top: "conv1" scale_param { bias_term: true } }"""
KEPT = NORM.replace("conv1/", "conv1_")
"""With names that HDF5 can hold."""
_AFFINE = re.compile(r'layer \{ name: "(grey_levels|defc5/bn|Rconv6/bn)".*?\}\s*\}\n', re.DOTALL)
DEPLOYED_GENERATOR, DEPLOYED_CONVOLUTIONAL = (_AFFINE.sub("", net) for net in (GENERATOR, CONVOLUTIONAL_GENERATOR))
LOSS = 'layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc8" bottom: "label" top: "loss" }\n'
RECIPE = GeneratorRecipe("toy-train", "fc6", ("conv1",), 20, RelativeLosses())
HEADS = Comparison("j", ("conv1", "fc6"), ("conv1",))
PROJECTED = ProjectedRecipe("toy-train", "fc6", (HEADS,), 20, average=0.9, comparator_layers=("conv1",))
FILLER = 'bias_term: false weight_filler { type: "msra" }'


def entry(crop, scores, generator):
    return {
        "title": "t",
        "kind": "mini",
        "role": "r",
        "weights": {"file": "weights.h5", "urls": [], "member": None, "checksum": None, "checksum_source": None},
        "preprocessing": {
            "resize": [16, 16],
            "crop": crop,
            "channels": "BGR",
            "mean": [104, 117, 123],
            "mean_file": None,
        },
        "labels": None,
        "scores": scores,
        "generator": generator,
        "license": "l",
        "source": None,
        "citation": "c",
        "note": None,
    }


@pytest.fixture
def toy_zoo(tmp_path, monkeypatch):
    """A registry with a classifier `e`, a judge `j` and generators `g`, `c` (of a code with positions) and `full`."""
    files = {
        "e/train_val.prototxt": 'name: "e"\n' + FEEDS + CONV % (FILLER, NORM) + LOSS,
        "e/deploy.prototxt": 'name: "e"\n' + INPUT + CONV % ("", ""),
        "e/solver.prototxt": SOLVER % 40,
        "f/train_val.prototxt": 'name: "f"\n' + FEEDS + CONV % (FILLER, KEPT) + LOSS,
        "f/deploy.prototxt": 'name: "f"\n' + INPUT + CONV % ("bias_term: false", KEPT),
        "f/solver.prototxt": SOLVER % 40,
        "e/more.prototxt": (SOLVER % 60).replace("train_val", "more_net"),
        "e/more_net.prototxt": 'name: "e"\n'
        + FEEDS.replace("toy-train", "toy-train[::4]")
        + CONV % (FILLER, NORM)
        + LOSS,
        "f/first.prototxt": (SOLVER % 20).replace("train_val", "first_net"),
        "f/first_net.prototxt": 'name: "f"\n'
        + FEEDS.replace("toy-train", "toy-train[:5]")
        + CONV % (FILLER, KEPT)
        + LOSS,
        "m/train_val.prototxt": 'name: "m"\n'
        + MODIFIED
        + CONV.replace("num_output: 6", "num_output: 12") % (FILLER, NORM)
        + LOSS,
        "m/deploy.prototxt": 'name: "m"\n' + INPUT + CONV.replace("num_output: 6", "num_output: 12") % ("", ""),
        "m/solver.prototxt": SOLVER % 60,
        "g/train.prototxt": GENERATOR,
        "g/deploy.prototxt": DEPLOYED_GENERATOR,
        "g/discriminator.prototxt": DISCRIMINATOR,
        "g/solver.prototxt": ADAM % ("train.prototxt", 60),
        "g/discriminator_solver.prototxt": ADAM % ("discriminator.prototxt", 60),
    }
    for copy in "js":
        files |= {name.replace("e/", f"{copy}/", 1): text for name, text in files.items() if name.startswith("e/")}
    files |= {name.replace("g/", "full/", 1): text for name, text in files.items() if name.startswith("g/")}
    files |= {name.replace("g/", "c/", 1): text for name, text in files.items() if name.startswith("g/")}
    files["c/train.prototxt"], files["c/deploy.prototxt"] = CONVOLUTIONAL_GENERATOR, DEPLOYED_CONVOLUTIONAL
    files["c/discriminator.prototxt"] = CONVOLUTIONAL_DISCRIMINATOR
    for name in [name for name in files if name.startswith("c/")]:
        files[name] = files[name].replace("dim: 1 dim: 6 dim: 5", "dim: 1 dim: 8 dim: 5")
    for name in ("train", "deploy", "solver"):
        files[f"p/{name}.prototxt"] = files[f"g/{name}.prototxt"]
    files["s/solver.prototxt"] = (SOLVER % 3).replace("base_lr: 0.05", "base_lr: 0")
    for name, text in files.items():
        path = tmp_path / "prototxt" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    bounds = {"file": "act_range.txt", "urls": [], "member": None, "checksum": None, "checksum_source": None}
    codes = {"encoder": "e", "layer": "fc6", "input": "feat", "output": "deconv0", "code_shape": [10]}
    registry = {name: entry(12, "fc8", None) for name in "ejfms"}
    registry |= {name: {**entry(12, "fc8", None), "definition": "e"} for name in ("start", "way", "over")}
    registry["m"]["weights"]["file"] = "weights.caffemodel"
    registry["g"] = entry(16, None, {**codes, "act_range": bounds})
    registry["c"] = entry(16, None, {**codes, "layer": "conv1", "code_shape": [8, 5, 5], "act_range": bounds})
    registry["p"] = registry["g"]
    registry["full"] = {**registry["g"], "kind": "published"}
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "registry.json").write_text(json.dumps(registry))
    monkeypatch.setattr(zoo_folders, "data_folder", lambda name: tmp_path / name)
    recipes = {
        "e": train_zoo.ZooClassifier("an encoder", code=("fc6", "fc8")),
        "j": train_zoo.ZooClassifier("a judge"),
        "s": train_zoo.ZooClassifier("started", start="e"),
        "f": train_zoo.ZooClassifier("fine-tuned", pretraining="first.prototxt", folded=False),
        "m": train_zoo.ZooClassifier("a control", modified=True),
        "start": train_zoo.ZooIntermediate("e before", "e", 0),
        "way": train_zoo.ZooIntermediate("e on the way", "e", 15),
        "over": train_zoo.ZooClassifier(
            "e by heart", start="e", keeps_scores=True, solver="more.prototxt", memorises=True
        ),
        "g": train_zoo.ZooGenerator("a prior", "e", "j", RECIPE, held_out="toy-val"),
        "c": train_zoo.ZooGenerator("a prior", "e", "j", replace(RECIPE, code_layer="conv1"), held_out="toy-val"),
        "p": train_zoo.ZooGenerator("a prior", "e", "j", PROJECTED, held_out="toy-val"),
        "full": train_zoo.ZooGenerator("a prior", "e", None, RECIPE, held_out="toy-val"),
    }
    monkeypatch.setattr(train_zoo.recipes, "RECIPES", recipes)
    clear_cache()
    yield tmp_path
    clear_cache()
