"""Hyper-parameters by random search: Sec. 2 of the paper, with a score in place of an eye.

    evaluate = Evaluator(target, prior, score, clip=bounds)
    trials = tune(evaluate, tuning, trials=50)
    rows = report(evaluate, trials, tuning, held_out, published_settings())

The paper searched at random in L2 weight, number of iterations and learning rate, and chose by eye.  A judge, or any
callable, scores here.  Settings are chosen on one set of objectives and reported on another, since the best of many
trials is good by luck too on those that it was chosen by.
"""

from .evaluator import Evaluation, Evaluator
from .report import Row, best_trial, check_apart, describe, published_settings, report
from .space import TuningSpace
from .trials import SAMPLERS, Trial
from .tune import tune

__all__ = [
    "SAMPLERS",
    "Evaluation",
    "Evaluator",
    "Row",
    "Trial",
    "TuningSpace",
    "best_trial",
    "check_apart",
    "describe",
    "published_settings",
    "report",
    "tune",
]
