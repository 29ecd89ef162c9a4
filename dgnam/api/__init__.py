"""One call and two commands around the method: from names to pictures, in memory or in a folder that can be resumed."""

from ..runs.interrupt import Interrupted
from .execute import Extras, run_in_memory, run_into
from .folder import Folder
from .models import PriorInfo, TargetFiles, TargetInfo, joined, open_prior, open_target
from .plan import Plan, make_plan
from .report import write_report
from .request import Request
from .result import Visualization
from .starts import open_start
from .visualize import visualize

__all__ = [
    "Extras",
    "Folder",
    "Interrupted",
    "Plan",
    "PriorInfo",
    "Request",
    "TargetFiles",
    "TargetInfo",
    "Visualization",
    "joined",
    "make_plan",
    "open_prior",
    "open_start",
    "open_target",
    "run_in_memory",
    "run_into",
    "visualize",
    "write_report",
]
