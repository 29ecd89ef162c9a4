"""Executors by name, and what work is unless it is said."""

import pytest

from dgnam.errors import DgnamError
from dgnam.runs.executor import LocalExecutor, Made, RayExecutor, Work, open_executor


def test_executors_by_name():
    own = LocalExecutor()
    assert open_executor(own) is own
    assert type(open_executor(None)) is type(open_executor("local")) is LocalExecutor
    for name in ("ray", "ray:", "ray:auto", "ray:ray://h:1"):
        found = open_executor(name, "s3://x", 0)
        assert isinstance(found, RayExecutor)
        assert (found.name, found.retries, found.has_store) == (name.removesuffix(":"), 0, True)
    assert (open_executor("ray").retries, open_executor("ray").has_store) == (3, False)
    assert open_executor("ray", None, 1000).retries == 1000
    with pytest.raises(DgnamError, match="retries 1001: give 0 to 1000"):
        open_executor("ray", None, 1001)
    for given in ((None, "s3://x"), (None, None, 0), (own, None, 2)):
        with pytest.raises(DgnamError, match="has no store and no retries"):
            open_executor(*given)


def test_what_is_not_said_of_work_and_chunks():
    work = Work(made := Made, None)
    assert (work.ahead, work.threads, work.device, work.chained) == (None, 1, "cpu", False)
    assert (made({}).files, made({}).count) == ({}, 1)


def test_an_executor_is_a_context_that_may_be_entered_again():
    executor = LocalExecutor()
    with executor as entered, entered as again:
        assert again is entered is executor
