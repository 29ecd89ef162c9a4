"""What is measured of codes, images and networks."""

from .act_range import CodeStatistics, act_range, codes_of, measure_codes, save_act_range
from .facets import cluster_start
from .judge import Judge, Verdict
from .moments import RunningMoments
from .picture_codes import codes_of_pictures

__all__ = [
    "CodeStatistics",
    "Judge",
    "RunningMoments",
    "Verdict",
    "act_range",
    "cluster_start",
    "codes_of",
    "codes_of_pictures",
    "measure_codes",
    "save_act_range",
]
