"""The small zoo: training one of its models and putting it into `models/` with a card of what was measured.

A classifier is trained with batch normalisation, which is folded away where the paper's network has none; an encoder's
code layer is scaled so that its act_range averages what CaffeNet's fc6 has, so that the published step sizes suit it.
Weights are stored as Caffe's HDF5 in float16, rounded and compressed, or, where layer names have a slash, as a
caffemodel in float32.  What the card says was measured on that file.
"""

from .build import build_model
from .evaluate import evaluate_model
from .recipes import RECIPES, ZooClassifier, ZooGenerator, ZooIntermediate, trained_as

__all__ = [
    "RECIPES",
    "ZooClassifier",
    "ZooGenerator",
    "ZooIntermediate",
    "build_model",
    "evaluate_model",
    "trained_as",
]
