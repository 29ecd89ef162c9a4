"""Statistics of claims: numbers over units with intervals, tests, effect sizes, and what they decide.

gain = mean_difference(found_by_dgn_am, found_by_pixels)  # (U, S) each, a row for each unit
decide(gain, above=0.20).outcome  # "holds", "fails" or "undecided"
"""

from .bootstrap import bootstrap, mean, mean_difference, unit_means
from .cliffs_delta import cliffs_delta
from .decision import Decision, all_hold, decide, undecidable, with_controls
from .estimate import Effect, Estimate
from .holm import holm
from .mcnemar import McNemar, mcnemar
from .proportion import proportion, wilson
from .sign_flip import sign_flip
from .spearman import spearman, spearman_p, spearman_within_units, unit_correlations

__all__ = [
    "Decision",
    "Effect",
    "Estimate",
    "McNemar",
    "all_hold",
    "bootstrap",
    "cliffs_delta",
    "decide",
    "holm",
    "mcnemar",
    "mean",
    "mean_difference",
    "proportion",
    "sign_flip",
    "spearman",
    "spearman_p",
    "spearman_within_units",
    "undecidable",
    "unit_correlations",
    "unit_means",
    "wilson",
    "with_controls",
]
