"""What several tests of executors take."""

import fsspec
import pytest

from tests.runs.executor.fake_store import ObjectStore


@pytest.fixture
def object_store(monkeypatch):
    """The class, registered for objects://, with an empty bucket called bucket."""
    fsspec.register_implementation("objects", ObjectStore, clobber=True)
    for name, value in (("buckets", {"bucket": {}}), ("down", False), ("down_at", ("", "")), ("hung", None)):
        monkeypatch.setattr(ObjectStore, name, value)
    return ObjectStore
