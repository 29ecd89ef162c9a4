"""Open starts: from text to the codes that a run starts from.

random                          N(0, 1), drawn from each seed: the published start
zero                            0 everywhere; in pixels the mean color
image:cat.jpg                   the code of a picture; in pixels the picture itself
codes:codes.npy                 codes in a file, .npy or .h5
cluster:PICTURES:lemon:4        the mean codes of clusters of a class's pictures, a seed to each cluster
mean:PICTURES                   in pixels, the mean of pictures
mean:PICTURES:lemon             the mean of a class's pictures
mean:PICTURES:lemon:4           the mean pictures of its clusters, a seed to each; mean:PICTURES:all:4 of all pictures
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np

from .. import zoo
from ..am import (
    Classes,
    CodeFileStart,
    FourierPrior,
    ImageStart,
    MeanImageStart,
    PixelPrior,
    RandomStart,
    Start,
    ZeroStart,
)
from ..data.dataset import Dataset, open_dataset
from ..data.preprocessing import MEAN_BGR
from ..errors import DgnamError, closest
from ..files.paths import StrPath
from ..measure.codes import PictureCodes
from .clusters import cluster_start, mean_start, mean_start_of_clusters
from .encoders import FACETS, encoder_of, facet_encoder
from .priors import ResolvedPrior

RANDOM, ZERO, IMAGE, CODES, CLUSTER, MEAN = "random", "zero", "image:", "codes:", "cluster:", "mean:"
FORMS = (
    RANDOM,
    ZERO,
    f"{IMAGE}FILE",
    f"{CODES}FILE",
    f"{CLUSTER}PICTURES:CLASS:K",
    f"{MEAN}PICTURES",
    f"{MEAN}PICTURES:CLASS",
    f"{MEAN}PICTURES:CLASS:K",
)
ALL = "all"
"""In place of a class, for all pictures."""

_COLON = re.compile(r":(?![^\[]*\])")
"""A colon that is not within the brackets of a source, as in tinyimagenet64-train[::10]."""


def open_start(start: object, prior: ResolvedPrior, *, data: StrPath | None = None) -> Start:
    """The start that is given or that a text names; None for the prior's own.

    data: the folder of the image sets, for those that take pictures; $DGNAM_DATA where None.
    """
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
        return _cluster(rest, prior, data)
    if rest and f"{kind}{colon}" == MEAN:
        return _mean(rest, prior, data)
    raise DgnamError(f"start '{start}': give one of {closest(start, FORMS, limit=len(FORMS))}")


def _image(path: str, prior: ResolvedPrior) -> Start:
    if isinstance(prior.prior, PixelPrior):
        return MeanImageStart.of(path)
    if isinstance(prior.prior, FourierPrior):
        return ImageStart(path, prior.prior.codes_of, prior.prior.image_size, np.array(MEAN_BGR))
    encoder = encoder_of(prior)
    codes = PictureCodes(encoder.module, encoder.layer)

    def encode(image: np.ndarray) -> np.ndarray:
        return codes(image, [path]).reshape(1, *codes.shape)

    return ImageStart(path, encode, encoder.preprocessing.crop, encoder.preprocessing.mean)


def _cluster(text: str, prior: ResolvedPrior, data: StrPath | None) -> Start:
    source, wanted, k = _fields(text)
    if not source or not wanted or k is None:
        raise DgnamError(
            f"start '{CLUSTER}{text}': write {CLUSTER}PICTURES:CLASS:K, with a class by its number or its name, and "
            f"the number of clusters, as {CLUSTER}tinyimagenet64-val:lemon:4"
        )
    encoder = encoder_of(prior)
    pictures = _of_class(source, wanted, encoder.name, CLUSTER, data)
    return cluster_start(encoder.module, encoder.layer, pictures, encoder.preprocessing, k)


def _mean(text: str, prior: ResolvedPrior, data: StrPath | None) -> Start:
    if not isinstance(prior.prior, PixelPrior | FourierPrior):
        raise DgnamError(
            f"start '{MEAN}{text}': a mean of pictures is a start in pixels, and prior '{prior.name}' takes codes; "
            f"{CLUSTER}PICTURES:CLASS:K starts from mean codes"
        )
    source, wanted, k = (text, None, None) if os.path.exists(text) else _fields(text)
    pictures = open_dataset(source, folder=data) if wanted is None else _of_class(source, wanted, FACETS[0], MEAN, data)
    if k is None:
        return mean_start(prior.prior, pictures)
    encoder = facet_encoder()
    return mean_start_of_clusters(prior.prior, pictures, k, encoder.module, encoder.layer, encoder.preprocessing)


def _fields(text: str) -> tuple[str, str | None, int | None]:
    """Source, class and number of clusters in PICTURES, PICTURES:CLASS or PICTURES:CLASS:K."""
    parts = _COLON.split(text)
    if len(parts) > 2 and _is_number(parts[-1]):
        return ":".join(parts[:-2]), parts[-2], int(parts[-1])
    return (text, None, None) if len(parts) == 1 else (":".join(parts[:-1]), parts[-1], None)


def _of_class(source: str, wanted: str, encoder: str, kind: str, data: StrPath | None) -> Dataset:
    """The pictures of a class by its number or by one of its names, of the source or of the encoder; or all."""
    pictures = open_dataset(source, folder=data)
    if wanted == ALL:
        return pictures
    if _is_number(wanted):
        return pictures.of_class(int(wanted))
    classes = Classes.of_model(zoo.get(encoder))
    if pictures.classes and list(pictures.classes) != [label.name for label in classes.labels]:
        classes = Classes.of_names(pictures.classes)
    return pictures.of_class(classes.find(wanted, f"{kind}{source}:{wanted}"))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 7
