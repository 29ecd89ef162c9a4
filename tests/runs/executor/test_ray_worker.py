"""What a worker does, in this process: it opens, makes, and never raises."""

import os
import sys
import warnings

import numpy as np
import pytest
import torch

from dgnam.errors import DgnamError
from dgnam.runs.executor import Made, Task
from dgnam.runs.executor.parcels import Parcels
from dgnam.runs.executor.ray_worker import Opened, Parcel, Place, Trouble, Worker, short_of_memory


@pytest.fixture
def worker(monkeypatch, tmp_path):
    monkeypatch.setattr(torch, "set_num_threads", lambda threads: None)
    monkeypatch.chdir(tmp_path)
    return Worker("", {})


@pytest.fixture
def place(tmp_path):
    Parcels(str(tmp_path / "p")).put("a.token", b"secret")
    return Place(str(tmp_path / "p"), "a.token", b"secret", False)


def made(number):
    return Made({"x": np.full(2, number)}, count=3)


def test_it_begins_in_the_drivers_directory_with_its_variables(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", "lib"])
    monkeypatch.setenv("DGNAM_HERE", "own")
    monkeypatch.delenv("DGNAM_NEW", raising=False)
    (tmp_path / "there").mkdir()
    Worker(str(tmp_path / "there"), {"DGNAM_HERE": "other", "DGNAM_NEW": "new"})
    new = os.environ.pop("DGNAM_NEW")
    assert (os.environ["DGNAM_HERE"], new) == ("own", "new")
    assert os.getcwd() == str(tmp_path / "there")
    assert sys.path == ["lib"]
    Worker(str(tmp_path / "gone"), {})
    assert os.getcwd() == str(tmp_path / "there")


def test_a_chunk_goes_to_its_place_or_back(worker, place, monkeypatch):
    threads = []
    monkeypatch.setattr(torch, "set_num_threads", threads.append)
    opened = worker.open(lambda: made, 4, place)
    assert isinstance(opened, Opened)
    assert (opened.reaches, opened.warnings, threads) == (True, (), [4])
    parcel = worker.make(Task("00000", 5))
    assert parcel.content is None
    assert Parcels(place.url).open(parcel.name).arrays["x"].tolist() == [5, 5]
    assert worker.open(lambda: made, 4, Place(place.url, "a.token", b"other", False)).reaches is False
    parcel = worker.make(Task("00001", 5))
    assert isinstance(parcel, Parcel)
    assert parcel.name.startswith("00001.3.")
    assert parcel.content is not None


def test_a_place_that_fails_is_not_tried_again(worker, place, monkeypatch):
    tried = []

    def failing(parcels, name, content):
        tried.append(name)
        raise DgnamError("no answer")

    worker.open(lambda: made, 1, place)
    monkeypatch.setattr(Parcels, "put", failing)
    assert [worker.make(Task(f"0000{number}", number)).content is not None for number in range(3)] == [True] * 3
    assert len(tried) == 1
    monkeypatch.undo()
    worker.open(lambda: made, 1, place)
    assert worker.make(Task("00003", 3)).content is None


def test_a_place_that_must_be_reached(worker, place):
    must = Place(place.url, "a.token", b"other", True)
    assert "the store" in worker.open(lambda: made, 1, must).reason
    assert "not found" in worker.open(lambda: made, 1, Place(place.url, "b.token", b"", True)).reason
    assert worker.open(lambda: made, 1, Place(place.url, "b.token", b"", False)).reaches is False


def test_the_users_warnings_come_once_each(worker, place):
    def there():
        for text, kind in (
            ("one", UserWarning),
            ("one", UserWarning),
            ("old", DeprecationWarning),
            ("two", UserWarning),
        ):
            warnings.warn(text, kind, stacklevel=1)
        return made

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert worker.open(there, 1, place).warnings == ("one", "two")


def test_errors_are_answers(worker, place):
    def failing(number):
        raise (DgnamError("own " + "x" * 3000), ValueError("bad"), MemoryError())[number]

    worker.open(lambda: failing, 1, place)
    own, bad, memory = (worker.make(Task("0", number)) for number in range(3))
    assert own.reason.startswith(f"on {worker._host}: own xxx")
    assert len(own.reason) == len(f"on {worker._host}: ") + 2000
    assert bad == Trouble(f"on {worker._host}: ValueError: bad", False)
    assert memory.memory is True
    assert Trouble("x").memory is False
    assert isinstance(worker.open(lambda: failing(1), 1, place), Trouble)


def caused(error, by):
    error.__cause__ = by
    return error


@pytest.mark.parametrize(
    ("error", "short"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("x"), True),
        (RuntimeError("CUDA error: Out of memory"), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), True),
        (caused(DgnamError("x"), MemoryError()), True),
        (caused(DgnamError("x"), ValueError()), False),
        (ValueError("out of memory"), False),
        (RuntimeError("other"), False),
        (None, False),
    ],
)
def test_want_of_memory_is_known(error, short):
    assert short_of_memory(error) is short
