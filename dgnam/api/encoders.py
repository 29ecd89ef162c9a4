"""Open encoders: networks whose values at a layer are a prior's codes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .. import zoo
from ..caffe import CaffeModule
from ..data.preprocessing import Preprocessing
from ..errors import DgnamError
from .priors import ResolvedPrior

FACETS = ("caffenet-mini", "fc7")
"""The encoder and the layer whose codes are clustered for starts in pixels, as those of CaffeNet's fc7 were."""


@dataclass(frozen=True, eq=False)
class ResolvedEncoder:
    """An encoder with the layer whose values are the codes, and how pictures come to it."""

    module: CaffeModule
    layer: str
    preprocessing: Preprocessing
    name: str


def encoder_of(prior: ResolvedPrior) -> ResolvedEncoder:
    """The encoder that a prior inverts; one that inverts none of the zoo's is an error."""
    if prior.inverts is None:
        raise DgnamError(
            f"prior '{prior.name}' inverts no known encoder, so a picture has no code: give codes:FILE, or a start "
            "made in Python (dgnam.am.ImageStart, cluster)"
        )
    return _of_zoo(*prior.inverts)


def facet_encoder() -> ResolvedEncoder:
    """The encoder whose codes tell the facets of a class where the prior has none of its own."""
    return _of_zoo(*FACETS)


def _of_zoo(name: str, layer: str) -> ResolvedEncoder:
    usual = zoo.get(name).preprocessing
    prepare = Preprocessing((usual.crop, usual.crop), usual.resize, np.array(usual.mean, np.float32))
    return ResolvedEncoder(zoo.load(name), layer, prepare, name)
