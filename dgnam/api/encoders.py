"""Open encoders: networks whose values at a layer are a prior's codes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .. import zoo
from ..caffe import CaffeModule
from ..data.preprocessing import Preprocessing
from ..errors import DgnamError
from .priors import ResolvedPrior


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
    name, layer = prior.inverts
    usual = zoo.get(name).preprocessing
    prepare = Preprocessing((usual.crop, usual.crop), usual.resize, np.array(usual.mean, np.float32))
    return ResolvedEncoder(zoo.load(name), layer, prepare, name)
