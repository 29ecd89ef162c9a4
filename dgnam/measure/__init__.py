"""What is measured of codes, images and networks."""

from .act_range import RunningMoments, act_range, codes_of
from .judge import Judge, Verdict

__all__ = ["Judge", "RunningMoments", "Verdict", "act_range", "codes_of"]
