"""`dgnam caffe device-query`: properties of the GPUs."""

from __future__ import annotations

import torch

from .. import mode
from ..glog import LOGGER
from .flags import Gpu
from .gpus import gpu_numbers


def device_query(gpu: Gpu = "") -> None:
    """Show diagnostic information on GPUs."""
    LOGGER.info("Querying GPUs %s", gpu)
    for number in gpu_numbers(gpu):
        mode.set_device(number)
        found = torch.cuda.get_device_properties(number)
        for what, value in (
            ("Device id:", number),
            ("Major revision number:", found.major),
            ("Minor revision number:", found.minor),
            ("Name:", found.name),
            ("Total global memory:", found.total_memory),
            ("Number of multiprocessors:", found.multi_processor_count),
        ):
            LOGGER.info("%-30s %s", what, value)
