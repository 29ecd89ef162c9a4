"""What all tests share: signals, a small image set, and a folder of small nets, so that training runs in seconds."""

import io
import os
import signal
import zipfile
from importlib import import_module
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # recorded numbers are of one thread; before NumPy and torch read it

import numpy as np
import pytest
import torch
from PIL import Image

from dgnam.am import released
from tests import toy


def pytest_configure() -> None:
    """Ctrl-C comes through, as tests need it, also where a shell began them in the background."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("cuda") is not None and not torch.cuda.is_available():
        pytest.skip("needs an NVIDIA GPU, and torch sees none here")


@pytest.fixture
def published_in_two_steps(monkeypatch) -> None:
    """What a tuning compares with: the published settings, with two steps, not two hundred."""
    short = {"released": released(n_iters=2)}
    monkeypatch.setattr(import_module("dgnam.api.tune"), "published_settings", lambda: short)


def pictures(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Pictures whose class, of six, is their colour, with noise."""
    draw = np.random.default_rng(seed)
    labels = draw.integers(0, 6, count)
    colours = np.array([[200, 40, 40], [40, 200, 40], [40, 40, 200], [200, 200, 40], [40, 200, 200], [200, 40, 200]])
    noise = draw.integers(-30, 30, (count, 16, 16, 3))
    return (colours[labels][:, None, None] + noise).astype(np.uint8), labels


@pytest.fixture(scope="session")
def data_folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    with zipfile.ZipFile(folder / "toy.zip", "w") as zipped:
        for split, count in (("train", 120), ("val", 60)):
            images, labels = pictures(count, count)
            for k, image in enumerate(images):
                out = io.BytesIO()
                Image.fromarray(image).save(out, format="PNG")
                zipped.writestr(f"{split}/{k}.png", out.getvalue())
            zipped.writestr(f"{split}.txt", "".join(f"{split}/{k}.png {label}\n" for k, label in enumerate(labels)))
    return folder


@pytest.fixture
def nets(tmp_path) -> Path:
    """A folder with a classifier's definition and solver, and a generator's."""
    folder = tmp_path / "nets"
    folder.mkdir()
    files = {
        "train_val.prototxt": toy.TRAIN_VAL,
        "classifier_solver.prototxt": toy.SOLVER % 40,
        "train.prototxt": toy.GENERATOR,
        "discriminator.prototxt": toy.DISCRIMINATOR,
        "solver.prototxt": toy.ADAM % ("train.prototxt", 30),
        "discriminator_solver.prototxt": toy.ADAM % ("discriminator.prototxt", 30),
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder
