"""What is measured of codes, images and networks."""

from .act_range import CodeStatistics, act_range, codes_of, measure_codes, save_act_range
from .codes import codes_of_pictures
from .judge import Judge, Verdict
from .moments import RunningMoments

__all__ = [
    "CodeStatistics",
    "Judge",
    "RunningMoments",
    "Verdict",
    "act_range",
    "codes_of",
    "codes_of_pictures",
    "measure_codes",
    "save_act_range",
]
