"""One process at a time in a folder, where there are locks at all."""

import os

import pytest

from dgnam.errors import DgnamError
from dgnam.runs import lock


def test_a_folder_is_locked_while_it_is_held(tmp_path):
    assert lock.is_locked(tmp_path) is False
    with lock.exclusive(tmp_path):
        assert lock.is_locked(tmp_path) is True
    assert lock.is_locked(tmp_path) is False
    assert lock.is_locked(tmp_path / "gone") is False


def test_a_lock_is_waited_for_between_the_tries(tmp_path, monkeypatch):
    waited = []
    monkeypatch.setattr(lock.time, "sleep", waited.append)
    with lock.exclusive(tmp_path):
        assert lock.is_locked(tmp_path)
        assert waited == []
        with pytest.raises(DgnamError, match="another process is at work in"), lock.exclusive(tmp_path):
            pass
    assert waited == [0.02] * 9


def test_a_file_system_without_locks_keeps_nobody_out(tmp_path, monkeypatch):
    def refuse(handle, kind):
        raise OSError(38, os.strerror(38))

    monkeypatch.setattr(lock.fcntl, "flock", refuse)
    assert lock.is_locked(tmp_path) is False
    with lock.exclusive(tmp_path):
        pass


def test_a_system_without_locks_keeps_nobody_out(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "fcntl", None)
    assert lock.is_locked(tmp_path) is False
    with lock.exclusive(tmp_path), lock.exclusive(tmp_path):
        pass


def test_no_file_stays_open(tmp_path):
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        lock.is_locked(tmp_path)
        with lock.exclusive(tmp_path):
            pass
    assert len(os.listdir("/proc/self/fd")) == before
