"""Objectives: what to maximize, from Python or from text, and its value for a batch of images."""

from .channel import Channel
from .class_names import Classes
from .direction import Direction
from .diversity import Diversity
from .objective import Objective, Term, WeightedSum
from .parser import parse_objective, parse_objectives
from .readout import Readout, read_layers
from .unit import Unit

__all__ = [
    "Channel",
    "Classes",
    "Direction",
    "Diversity",
    "Objective",
    "Readout",
    "Term",
    "Unit",
    "WeightedSum",
    "parse_objective",
    "parse_objectives",
    "read_layers",
]
