"""Open starts: from text to the codes that a run starts from.

random                          N(0, 1), drawn from each seed: the published start
zero                            0 everywhere; in pixels the mean color
image:cat.jpg                   the code of a picture; in pixels the picture itself
codes:codes.npy                 codes in a file, .npy or .h5
cluster:PICTURES:lemon:4        the mean codes of clusters of a class's pictures, a seed to each cluster
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .. import zoo
from ..am import Classes, CodeFileStart, ImageStart, MeanImageStart, PixelPrior, RandomStart, Start, ZeroStart
from ..data.dataset import open_dataset
from ..errors import DgnamError, closest
from ..measure.codes import PictureCodes
from .clusters import cluster_start
from .encoders import encoder_of
from .priors import ResolvedPrior

RANDOM, ZERO, IMAGE, CODES, CLUSTER = "random", "zero", "image:", "codes:", "cluster:"
FORMS = (RANDOM, ZERO, f"{IMAGE}FILE", f"{CODES}FILE", f"{CLUSTER}PICTURES:CLASS:K")


def open_start(start: object, prior: ResolvedPrior) -> Start:
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
    if rest and f"{kind}{colon}" == CODES:
        return CodeFileStart(Path(rest))
    if rest and f"{kind}{colon}" == IMAGE:
        return _image(rest, prior)
    if rest and f"{kind}{colon}" == CLUSTER:
        return _cluster(rest, prior)
    raise DgnamError(f"start '{start}': give one of {closest(start, FORMS)}")


def _image(path: str, prior: ResolvedPrior) -> Start:
    if isinstance(prior.prior, PixelPrior):
        return MeanImageStart.of(path)
    encoder = encoder_of(prior)
    codes = PictureCodes(encoder.module, encoder.layer)

    def encode(image: np.ndarray) -> np.ndarray:
        return codes(image, [path]).reshape(1, *codes.shape)

    return ImageStart(path, encode, encoder.preprocessing.crop, encoder.preprocessing.mean)


def _cluster(text: str, prior: ResolvedPrior) -> Start:
    parts = text.rsplit(":", 2)
    if len(parts) != 3 or not all(parts) or not _is_number(parts[2]):
        raise DgnamError(
            f"start '{CLUSTER}{text}': write {CLUSTER}PICTURES:CLASS:K, with a class by its number or its name, and "
            f"the number of clusters, as {CLUSTER}tinyimagenet64-val:lemon:4"
        )
    source, wanted, k = parts
    encoder = encoder_of(prior)
    pictures = open_dataset(source).of_class(_class(wanted, encoder.name))
    return cluster_start(encoder.module, encoder.layer, pictures, encoder.preprocessing, int(k))


def _class(text: str, encoder: str) -> int:
    """A class by its number, or by one of the names that the encoder has for its classes."""
    if _is_number(text):
        return int(text)
    return Classes.of_model(zoo.get(encoder)).find(text, f"{CLUSTER}…:{text}")


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 7
