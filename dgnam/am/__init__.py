"""Activation maximization by a deep generator network: Sec. 2 of the paper.

`synthesize` makes many images at once on torch; `reference` is the published loop on any pycaffe-compatible Net;
`evolve` does without gradients.
"""

from . import evolve, examples, images, reference
from .batch import Job, Partition, Result, Step, gather, partition_jobs, synthesize
from .class_names import Classes
from .clip import Bounds, act_range_bounds
from .code_file import CodeFileStart
from .config import Settings, paper, released, released_from_image, released_googlenet, without_prior
from .engine import ENGINES, find_engine, one_by_one, open_net
from .facets import ClusterStart, cluster
from .layer_table import LayerRow, describe_model, table_lines, torch_layers
from .objective import Channel, Direction, Diversity, Objective, Unit
from .objective_text import parse_objective, parse_objectives
from .priors import GeneratorPrior, PixelPrior, Prior
from .regularisation import NormPenalty, Shrink
from .schedule import Linear
from .start import ImageStart, RandomStart, Start, code_of_image, encoder, random_code, read_image
from .target import CaffeTarget, Several, Target, TorchTarget

__all__ = [
    "ENGINES",
    "Bounds",
    "CaffeTarget",
    "Channel",
    "Classes",
    "ClusterStart",
    "CodeFileStart",
    "Direction",
    "Diversity",
    "GeneratorPrior",
    "ImageStart",
    "Job",
    "LayerRow",
    "Linear",
    "NormPenalty",
    "Objective",
    "Partition",
    "PixelPrior",
    "Prior",
    "RandomStart",
    "Result",
    "Settings",
    "Several",
    "Shrink",
    "Start",
    "Step",
    "Target",
    "TorchTarget",
    "Unit",
    "act_range_bounds",
    "cluster",
    "code_of_image",
    "describe_model",
    "encoder",
    "evolve",
    "examples",
    "find_engine",
    "gather",
    "images",
    "one_by_one",
    "open_net",
    "paper",
    "parse_objective",
    "parse_objectives",
    "partition_jobs",
    "random_code",
    "read_image",
    "reference",
    "released",
    "released_from_image",
    "released_googlenet",
    "synthesize",
    "table_lines",
    "torch_layers",
    "without_prior",
]
