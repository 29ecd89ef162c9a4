"""Starts: where codes begin, for each seed."""

from .clusters import ClusterStart, cluster, facets
from .code_file import CodeFileStart
from .each_frame import EachFrameStart
from .image import ImageStart, code_of_image, encoder, image_of, read_image
from .pixels import MeanImageStart, NoiseStart, ZeroStart
from .random import RandomStart, random_code
from .start import Start

__all__ = [
    "ClusterStart",
    "CodeFileStart",
    "EachFrameStart",
    "ImageStart",
    "MeanImageStart",
    "NoiseStart",
    "RandomStart",
    "Start",
    "ZeroStart",
    "cluster",
    "code_of_image",
    "encoder",
    "facets",
    "image_of",
    "random_code",
    "read_image",
]
