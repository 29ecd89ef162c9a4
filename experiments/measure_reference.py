"""Measure the reference statistics: `python -m dgnam.experiments.measure_reference --data DIR`."""

from __future__ import annotations

import argparse
from importlib import metadata

import numpy as np

from dgnam import zoo
from dgnam.api.judges import open_judge
from dgnam.api.pictures import HELD_OUT, TRAINING, open_pictures
from dgnam.api.targets import open_target
from dgnam.data.dataset import Dataset
from dgnam.data.preprocessing import center_crop, deprocess, preprocess
from dgnam.files.checksums import sha256
from dgnam.files.paths import StrPath, write_bytes
from dgnam.measure import BaseJudge, OutsideJudge, fit_color_order, laplacian_sharpness, seam_energy
from dgnam.measure.layer_codes import LayerCodes
from dgnam.measure.outside_judge import PACKAGES
from dgnam.runs.chunks import to_bytes

from .global_structure import blobs, permutation_drops
from .pictures import Pictures
from .quarters import gain_of_order
from .reconstructions import reconstructions
from .reference import FEATURES, INVERSES, OTHER_FEATURES, reference_file

SIZE = (56, 56)
"""What networks of 64 px see."""

ENCODER, LAYER = "caffenet-mini", "fc6"
PRIOR = "deepsim-fc6-v2-mini"
"""The default prior, with an encoder of its own."""

FITTED_ON = 50
"""Every so manieth of the training pictures tells the order of channels."""

IN_ORDERS = 3
"""Pictures of each class whose quarters are put in all orders."""

CONTROLS = {"cut up": "control-shuffled-mini", "blue, red, green": "control-brg-mini", "blurred": "control-blur-mini"}


def measure(data: StrPath | None = None) -> dict[str, np.ndarray]:
    """All arrays, as `reference.reference` describes them."""
    held_out = open_pictures(None, open_target(ENCODER), HELD_OUT, data=data)
    pictures, labels = held_out.take(slice(None))
    images, count = preprocess(center_crop(pictures, SIZE)), len(held_out.classes)
    judges: dict[str, BaseJudge] = {FEATURES: open_judge(FEATURES), "outside": OutsideJudge.of_labels()}
    colors = fit_color_order(_seen(open_pictures(None, open_target(ENCODER), TRAINING, data=data).every(FITTED_ON)))
    found = {
        **{
            f"features, {name}": open_judge(name).features(images).astype(np.float16)
            for name in (FEATURES, OTHER_FEATURES)
        },
        "spread": _spread(images, labels, count),
        "color order": np.append(colors.weights, colors.offset).astype(np.float32),
    }
    found |= {f"structure, {name}": _structure(judge, images, labels) for name, judge in judges.items()}
    found |= {
        f"accuracy, {name}": _by_class(judge.rank(images, labels).points() / 100, labels, count)
        for name, judge in judges.items()
    }
    found |= {f"quarters, {name}": _quarters(judge, data) for name, judge in judges.items()}
    measures = {"cut up": seam_energy, "blue, red, green": colors.score, "blurred": laplacian_sharpness}
    for net, model in CONTROLS.items():
        control = open_pictures(None, open_target(model), HELD_OUT, data=data)
        shown, twins = _seen(control), control.labels
        assert twins is not None
        for name, of in ((f"modified, {net}", shown), (f"modified, {net}, reconstructed", _reconstructed(shown))):
            found[name] = _by_class(measures[net](of), twins, int(twins.max()) + 1).reshape(2, -1).T
    return found


def networks() -> list[str]:
    """Those whose weights decide the numbers: judges, generators and encoders."""
    generators = [zoo.get(name) for name in (PRIOR, *INVERSES.values())]
    encoders = [entry.generator.encoder for entry in generators if entry.generator is not None]
    return sorted({FEATURES, OTHER_FEATURES, ENCODER, *(entry.name for entry in generators), *encoders})


def measured_with() -> dict[str, str]:
    """The checksum of the weights of each network that decides the numbers, and the outside judge's packages' versions.

    They are attributes of the file.  The networks of the CONTROLS only name their pictures.
    """
    weights = {f"sha256, {name}": sha256(zoo.get(name).weights_path()) for name in networks()}
    return weights | {f"version, {package}": metadata.version(package) for package in PACKAGES}


def _reconstructed(shown: np.ndarray) -> np.ndarray:
    """What the default prior makes of pictures (N, h, w, 3) uint8."""
    return deprocess(reconstructions(PRIOR, preprocess(shown)))


def _structure(judge: BaseJudge, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(4, 2): the mean blobs and permutation drop of a picture of each class, and of its reconstructions."""
    first = images[np.unique(labels, return_index=True)[1]]
    shown = [first, *(reconstructions(prior, first) for prior in INVERSES.values())]
    pictures = [Pictures(part, range(len(first))) for part in shown]
    return np.array([[blobs(judge, one).mean(), permutation_drops(judge, one).mean()] for one in pictures], np.float32)


def _quarters(judge: BaseJudge, data: StrPath | None) -> np.ndarray:
    """(C, 4): the mean gains by another order of quarters, of some pictures of each class and of their reconstructions.

    Of both regular and cut-up ones.
    """
    control = open_pictures(None, open_target(CONTROLS["cut up"]), HELD_OUT, data=data)
    assert control.labels is not None
    count = int(control.labels.max()) + 1
    some = np.sort(np.concatenate([np.flatnonzero(control.labels == one)[:IN_ORDERS] for one in range(count)]))
    shown, twins = _seen(control)[some], control.labels[some]
    gains = [gain_of_order(judge, one, twins % (count // 2)) for one in (shown, _reconstructed(shown))]
    return np.concatenate([_by_class(gain, twins, count).reshape(2, -1).T for gain in gains], 1)


def _seen(pictures: Dataset) -> np.ndarray:
    return center_crop(pictures.take(slice(None))[0], SIZE)


def _spread(images: np.ndarray, labels: np.ndarray, count: int) -> np.ndarray:
    read = LayerCodes(open_target(ENCODER).target, [LAYER])
    parts = [images[k : k + 100] for k in range(0, len(images), 100)]
    codes = np.concatenate([read(part, [""] * len(part))[LAYER] for part in parts])
    means = np.stack([codes[labels == label].mean(0) for label in range(count)])
    return _by_class(np.linalg.norm(codes - means[labels], axis=1), labels, count)


def _by_class(values: np.ndarray, labels: np.ndarray, count: int) -> np.ndarray:
    """(count,) float32: the mean of each class."""
    return np.array([values[labels == label].mean() for label in range(count)], np.float32)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m dgnam.experiments.measure_reference", description=__doc__)
    parser.add_argument("--data", help="the folder of the image sets; $DGNAM_DATA if left out")
    write_bytes(reference_file(), to_bytes(measure(parser.parse_args().data), measured_with(), compress=True))
