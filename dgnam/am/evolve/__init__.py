"""Black box: the same priors, for whatever gives a score and no gradient: a recorded neuron, a web service, a callable.

search = Search(prior, CmaEs(), clip=act_range_bounds(upper), seed=0, folder="runs/neuron-12")
while search.generation < 100:
    codes, images = search.ask()    # (n, *code_shape) float32, (n, H, W, 3) uint8 RGB
    search.tell(measure(images))    # n numbers, the larger the better; saved

search = Search.resume("runs/neuron-12", prior)                              # goes on where it was
search = evolve(measure, prior, Genetic(), generations=100)                  # the loop above in one call
search = evolve(UnitScore(target, Unit("fc8", 42)), prior, generations=100)  # a network's unit as a black box
"""

from .cma_es import CmaEs
from .drive import evolve, run
from .genetic import Genetic
from .method import Method, Start, Strategy
from .score import Score, UnitScore, check_scores, load_score
from .search import METHODS, Best, Search
from .stimuli import read_scores, write_stimuli

__all__ = [
    "METHODS",
    "Best",
    "CmaEs",
    "Genetic",
    "Method",
    "Score",
    "Search",
    "Start",
    "Strategy",
    "UnitScore",
    "check_scores",
    "evolve",
    "load_score",
    "read_scores",
    "run",
    "write_stimuli",
]
