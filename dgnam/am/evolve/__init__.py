"""Black box: the same priors, for whatever gives a score and no gradient: a recorded neuron, a web service, a callable.

    search = Search(prior, CmaEs(), clip=act_range_bounds(upper), seed=0)
    while search.generation < 100:
        codes, images = search.ask()    # (n, *code_shape) float32, (n, H, W, 3) uint8 RGB
        search.tell(measure(images))    # n numbers, the larger the better

`drive(search, measure, generations=100)` is that loop, and `UnitScore` a network's unit as a black box.  With a noisy
neuron the best score is a lucky one: `remeasure(search, measure)` measures the best few and the mean code again.
"""

from ..score import PictureScore
from .cma_es import CmaEs
from .drive import drive
from .genetic import Genetic
from .method import Method, Origin, Strategy
from .remeasure import Measured, Remeasurement, remeasure
from .score import UnitScore, check_scores
from .search import Search
from .stimuli import read_scores, write_stimuli
from .top import Best

__all__ = [
    "Best",
    "CmaEs",
    "Genetic",
    "Measured",
    "Method",
    "Origin",
    "PictureScore",
    "Remeasurement",
    "Search",
    "Strategy",
    "UnitScore",
    "check_scores",
    "drive",
    "read_scores",
    "remeasure",
    "write_stimuli",
]
