"""How a cluster is reached and left; no cluster is started."""

import os
import signal
import sys
import threading
from types import SimpleNamespace

import pytest

from dgnam.errors import DgnamError
from dgnam.runs import Record, Run
from dgnam.runs.executor import Made, RayExecutor, ray_executor
from dgnam.runs.executor.parcels import pack, parcel_name


class Ray(SimpleNamespace):
    """Notes how it is called."""

    def __init__(self, initialized=False, error=None):
        super().__init__(calls=[], initialized=initialized, error=error)

    def is_initialized(self):
        return self.initialized

    def init(self, **given):
        self.calls.append(given)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # as the real one does
        if self.error is not None:
            raise self.error

    def shutdown(self):
        self.calls.append("shutdown")


@pytest.fixture
def played(monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "x")
    monkeypatch.setattr(ray_executor, "cores", lambda: 6)

    def play(**how):
        ray = Ray(**how)
        monkeypatch.setattr(RayExecutor, "ray", ray)
        return ray

    return play


QUIET = {"log_to_driver": False, "configure_logging": False}


def test_a_cluster_of_its_own_begins_and_ends_with_the_outermost_context(played):
    ray, executor = played(), RayExecutor()
    before = signal.getsignal(signal.SIGTERM)
    worker = SimpleNamespace(kill=lambda: ray.calls.append("kill"))
    with executor as outer:
        assert ray.calls == [{"address": "local", "include_dashboard": False, "num_cpus": 6, **QUIET}]
        executor.workers.append(worker)
        with outer as inner:
            assert inner is outer is executor
        assert len(ray.calls) == 1
    assert ray.calls[1:] == ["kill", "shutdown"]
    assert executor.workers == []
    assert signal.getsignal(signal.SIGTERM) is before
    ray.initialized = True
    with executor:
        pass
    assert len(ray.calls) == 3  # a cluster that the program has stays


def test_the_address_is_given_or_in_the_environment(played, monkeypatch):
    monkeypatch.delenv("RAY_USAGE_STATS_ENABLED")
    monkeypatch.setenv("RAY_ADDRESS", "h:2")
    for executor, address in ((RayExecutor("h:1"), "h:1"), (RayExecutor(), "h:2")):
        ray = played()
        with executor:
            assert ray.calls == [{"address": address, **QUIET}]
            assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"


def test_a_cluster_that_is_not_reached_is_one_error(played):
    for error, reason in ((ValueError("a\nlast line\n"), "last line"), (ValueError(" "), "ValueError")):
        ray = played(error=error)
        with (
            pytest.raises(DgnamError, match=f"^executor 'ray:h': no cluster can be reached: {reason}$"),
            RayExecutor("h"),
        ):
            pass
        assert "shutdown" not in ray.calls
    played(error=ValueError("x" * 400))
    with pytest.raises(DgnamError) as caught, RayExecutor("h"):
        pass
    assert str(caught.value).endswith(f"reached: {'x' * 300}… (400 characters)")


def test_outside_the_main_thread_signals_are_left_alone():
    def work():
        with ray_executor._signals_kept():
            done.append(True)

    done = []
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [True]


def test_what_workers_share(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DGNAM_X", "1")
    directory, variables = RayExecutor().surroundings
    assert (directory, variables["DGNAM_X"]) == (str(tmp_path), "1")
    assert all(name.startswith("DGNAM_") for name in variables)
    monkeypatch.setattr(os, "getcwd", lambda: (_ for _ in ()).throw(FileNotFoundError()))
    assert RayExecutor().surroundings[0] == ""


def test_parcels_wait_in_the_store_and_in_the_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = Run.create_at(tmp_path / "name", Record("visualize", {}, {"seed": 1}))
    executor = RayExecutor(store="store")
    first, last = executor.places(run)
    assert first.place.startswith(f"{tmp_path}/store/name-")
    assert len(first.place.rpartition("-")[2]) == 16
    assert last.place == str(run.path / "arrived")
    for number, place in enumerate((first, last)):
        content = pack(Made({"x": [number]}))
        place.put(parcel_name(str(number), 1, content), content)
    assert executor.waiting(run) == {"0", "1"}
    assert [place.place for place in RayExecutor().places(run)] == [last.place]
    assert RayExecutor(store="s3://b/x")._store == "s3://b/x"


def test_without_the_package_there_is_one_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(DgnamError, match=r"needs the package dgnam\[ray\]"), RayExecutor():
        pass
