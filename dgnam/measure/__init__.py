"""Measurements of codes, images and networks."""

from .act_range import CodeMeasurement, CodeStatistics, act_range_files, measure_codes
from .codes import codes_of_pictures
from .judge import Judge, Verdict
from .moments import RunningMoments
from .outside_judge import OutsideJudge

__all__ = [
    "CodeMeasurement",
    "CodeStatistics",
    "Judge",
    "OutsideJudge",
    "RunningMoments",
    "Verdict",
    "act_range_files",
    "codes_of_pictures",
    "measure_codes",
]
