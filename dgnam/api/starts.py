"""Where codes start, from text as a command line has it.

    random                          N(0, 1) from each seed, the published start
    zero                            0 everywhere, in pixels the mean colour
    image:cat.jpg                   the code of a picture; in pixels the picture itself
    codes:run/chunks/00000.h5       codes of a .npy or .h5 file, seed s takes the s-th (again from the first)
    cluster:PICTURES:CLASS:K        mean codes of K clusters of a class's pictures, for the facets of a unit

PICTURES is what `dgnam act-range --images` takes, if its pictures have labels, and CLASS one of these, a number
or, of the encoder's classes, a name.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..am import Classes, CodeFileStart, ImageStart, MeanImageStart, PixelPrior, RandomStart, Start, ZeroStart
from ..caffe.modules.caffe_module import CaffeModule
from ..data.network_input import NetworkInput
from ..data.pictures import open_pictures
from ..errors import DgnamError, closest
from ..measure.codes import PictureCodes
from ..zoo import registry as zoo
from .clusters import cluster_start
from .models import PriorInfo

RANDOM, ZERO, IMAGE, CODES, CLUSTER = "random", "zero", "image:", "codes:", "cluster:"
FORMS = (RANDOM, ZERO, f"{IMAGE}FILE", f"{CODES}FILE", f"{CLUSTER}PICTURES:CLASS:K")


def open_start(start: str | Start | None, prior: PriorInfo) -> Start:
    """The start that is given or that a text names; None for the prior's own."""
    if start is None:
        return prior.start
    if not isinstance(start, str):
        if not hasattr(start, "codes") or not hasattr(start, "as_dict"):
            raise DgnamError(f"start {start!r}: give a start of dgnam.am, or one of {', '.join(FORMS)}")
        return start
    if start == RANDOM:
        return RandomStart()
    if start == ZERO:
        return ZeroStart()
    kind, colon, rest = start.partition(":")
    if f"{kind}{colon}" in (IMAGE, CODES, CLUSTER) and rest:
        if f"{kind}:" == CODES:
            return CodeFileStart(Path(rest))
        return _image(rest, prior) if f"{kind}:" == IMAGE else _cluster(rest, prior)
    raise DgnamError(f"start '{start}': give one of {closest(start, FORMS)}")


def _image(path: str, prior: PriorInfo) -> Start:
    if isinstance(prior.prior, PixelPrior):
        return MeanImageStart.of(path)
    encoder, layer, prepare = _encoder(prior)
    codes = PictureCodes(encoder, layer)

    def encode(image: np.ndarray) -> np.ndarray:
        return codes(image, [path]).reshape(1, *codes.shape)

    return ImageStart(path, encode, prepare.crop, prepare.mean)


def _cluster(text: str, prior: PriorInfo) -> Start:
    parts = text.rsplit(":", 2)
    if len(parts) != 3 or not all(parts) or not _is_number(parts[2]):
        raise DgnamError(
            f"start '{CLUSTER}{text}': write {CLUSTER}PICTURES:CLASS:K, with a class of these, by its number or its "
            f"name, and the number of clusters, as {CLUSTER}tinyimagenet64-val:lemon:4"
        )
    source, wanted, k = parts
    encoder, layer, prepare = _encoder(prior)
    pictures = open_pictures(source).of_class(_class(wanted, prior))
    return cluster_start(encoder, layer, pictures, prepare, int(k))


def _class(text: str, prior: PriorInfo) -> int:
    """A class by its number, or by one of the names that the encoder has for its classes."""
    if _is_number(text) or prior.inverts is None:
        return int(text) if _is_number(text) else -1
    return Classes.of_model(zoo.get(prior.inverts[0])).find(text, f"{CLUSTER}…:{text}")


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 7


def _encoder(prior: PriorInfo) -> tuple[CaffeModule, str, NetworkInput]:
    """The encoder whose codes the prior takes, the layer, and how pictures come to it."""
    if prior.inverts is None:
        raise DgnamError(
            f"prior '{prior.name}' inverts no encoder that is known, so a picture has no code: give codes:FILE, or "
            "a start made in Python (dgnam.am.ImageStart, cluster)"
        )
    name, layer = prior.inverts
    entry = zoo.get(name)
    usual = entry.preprocessing
    prepare = NetworkInput((usual.crop, usual.crop), usual.resize, np.array(usual.mean, np.float32))
    return zoo.load(name), layer, prepare
