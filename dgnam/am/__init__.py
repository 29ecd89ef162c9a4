"""Activation maximization by a deep generator network: Sec. 2 of the paper.

`synthesize` makes many images at once on torch; `reference` is the published loop on any pycaffe-compatible Net;
`evolve` does without gradients.
"""

from . import evolve, examples, images, reference
from .batch import Job, Partition, Result, Step, gather, partition_jobs, synthesize
from .clip import Bounds, act_range_bounds
from .config import Settings, paper, released, released_from_image, released_googlenet, without_prior
from .engine import ENGINES, find_engine, one_by_one, open_net
from .frames import Film, Frames
from .hyperparameters import Evaluation, Evaluator, report, search
from .objective import Channel, Direction, Diversity, Objective, Unit
from .priors import GeneratorPrior, PixelPrior, Prior
from .regularisation import NormPenalty, Shrink
from .schedule import Linear
from .search_space import SearchSpace
from .start import RandomStart, Start, code_of_image, random_code, read_image
from .target import CaffeTarget, Several, Target, TorchTarget

__all__ = [
    "ENGINES",
    "Bounds",
    "CaffeTarget",
    "Channel",
    "Direction",
    "Diversity",
    "Evaluation",
    "Evaluator",
    "Film",
    "Frames",
    "GeneratorPrior",
    "Job",
    "Linear",
    "NormPenalty",
    "Objective",
    "Partition",
    "PixelPrior",
    "Prior",
    "RandomStart",
    "Result",
    "SearchSpace",
    "Settings",
    "Several",
    "Shrink",
    "Start",
    "Step",
    "Target",
    "TorchTarget",
    "Unit",
    "act_range_bounds",
    "code_of_image",
    "evolve",
    "examples",
    "find_engine",
    "gather",
    "images",
    "one_by_one",
    "open_net",
    "paper",
    "partition_jobs",
    "random_code",
    "read_image",
    "reference",
    "released",
    "released_from_image",
    "released_googlenet",
    "report",
    "search",
    "synthesize",
    "without_prior",
]
