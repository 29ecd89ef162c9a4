"""Activation maximization by a deep generator network: Sec. 2 of the paper.

`synthesize` makes many images at once on torch; `reference` is the published loop on any pycaffe-compatible Net;
`evolve` does without gradients.
"""

from . import evolve, images
from .jitter import Jitter, Transform
from .layer_table import LayerRow, describe_model, table_lines, torch_layers
from .objectives.class_names import Classes
from .objectives.objective import Channel, Direction, Diversity, Objective, Unit
from .objectives.parser import parse_objective, parse_objectives
from .presets import PIXEL_RECIPES, Recipe, pixel_recipe
from .priors import GeneratorPrior, ImageValues, PixelPrior, Prior, TorchPrior
from .published import examples
from .published import loop as reference
from .published.backend import ENGINES, find_engine, one_by_one, open_net
from .recorder import Film, Frames
from .regularizers import (
    Blur,
    CentreBias,
    CentreOnly,
    ColourRange,
    Denoise,
    L1Penalty,
    L2Penalty,
    NormBall,
    NormPower,
    Penalty,
    SmallContribution,
    SmallNorm,
    TotalVariation,
)
from .regularizers.bounds import CLIPS, Bounds, act_range_bounds, clip_by_name, unit_box
from .regularizers.regularizer import During, Moment, NormPenalty, Regularisation, Rule, Rules, Shrink
from .settings import Settings, paper, released, released_from_image, released_googlenet, without_prior
from .starts.clusters import ClusterStart, cluster
from .starts.code_file import CodeFileStart
from .starts.pixels import MeanImageStart, NoiseStart, ZeroStart
from .starts.start import ImageStart, RandomStart, Start, code_of_image, encoder, random_code, read_image
from .steps.schedule import Linear, Phases, Schedule
from .steps.update_rule import AdaGrad, Ascent, PerMean, Plain, Progress
from .synthesize import Job, Partition, Result, Step, gather, partition_jobs, synthesize
from .targets.target import CaffeTarget, Several, Target, TorchTarget
from .tuning.space import SearchSpace
from .tuning.tune import Evaluation, Evaluator, report, search

__all__ = [
    "CLIPS",
    "ENGINES",
    "PIXEL_RECIPES",
    "AdaGrad",
    "Ascent",
    "Blur",
    "Bounds",
    "CaffeTarget",
    "CentreBias",
    "CentreOnly",
    "Channel",
    "Classes",
    "ClusterStart",
    "CodeFileStart",
    "ColourRange",
    "Denoise",
    "Direction",
    "Diversity",
    "During",
    "Evaluation",
    "Evaluator",
    "Film",
    "Frames",
    "GeneratorPrior",
    "ImageStart",
    "ImageValues",
    "Jitter",
    "Job",
    "L1Penalty",
    "L2Penalty",
    "LayerRow",
    "Linear",
    "MeanImageStart",
    "Moment",
    "NoiseStart",
    "NormBall",
    "NormPenalty",
    "NormPower",
    "Objective",
    "Partition",
    "Penalty",
    "PerMean",
    "Phases",
    "PixelPrior",
    "Plain",
    "Prior",
    "Progress",
    "RandomStart",
    "Recipe",
    "Regularisation",
    "Result",
    "Rule",
    "Rules",
    "Schedule",
    "SearchSpace",
    "Settings",
    "Several",
    "Shrink",
    "SmallContribution",
    "SmallNorm",
    "Start",
    "Step",
    "Target",
    "TorchPrior",
    "TorchTarget",
    "TotalVariation",
    "Transform",
    "Unit",
    "ZeroStart",
    "act_range_bounds",
    "clip_by_name",
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
    "pixel_recipe",
    "random_code",
    "read_image",
    "reference",
    "released",
    "released_from_image",
    "released_googlenet",
    "report",
    "search",
    "synthesize",
    "table_lines",
    "torch_layers",
    "unit_box",
    "without_prior",
]
