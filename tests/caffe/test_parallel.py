"""Which solver of how many this is, and what there is of NCCL."""

import pytest

from dgnam.caffe import TEST, TRAIN, CaffeError, parallel
from dgnam.caffe.parallel import NCCL, has_nccl, keeps_record


@pytest.fixture(autouse=True)
def _one_solver():
    yield
    parallel.set_solver_count(1)
    parallel.set_solver_rank(0)
    parallel.set_multiprocess(False)


def test_there_is_one_solver():
    assert (parallel.solver_count(), parallel.solver_rank(), parallel.multiprocess()) == (1, 0, False)
    assert parallel.is_root_solver()
    assert all(keeps_record(i, TRAIN) for i in range(5))


def test_solvers_share_the_records_of_training_out():
    parallel.set_solver_count(3)
    kept = []
    for rank in range(3):
        parallel.set_solver_rank(rank)
        kept.append([i for i in range(8) if keeps_record(i, TRAIN)])
        assert all(keeps_record(i, TEST) for i in range(8))
    assert kept == [[0, 3, 6], [1, 4, 7], [2, 5]]
    assert not parallel.is_root_solver()


def test_a_rank_beyond_the_count_takes_nothing_and_says_so():
    parallel.set_solver_rank(1)
    assert keeps_record(0, TEST)
    with pytest.raises(CaffeError, match="rank is 1 of 1; call set_solver_count"):
        keeps_record(0, TRAIN)


def test_each_in_a_process():
    parallel.set_multiprocess(True)
    assert parallel.multiprocess()


def test_counts_and_ranks_that_cannot_be():
    with pytest.raises(CaffeError, match="at least 1; got 0"):
        parallel.set_solver_count(0)
    with pytest.raises(CaffeError, match="count from 0; got -1"):
        parallel.set_solver_rank(-1)
    assert (parallel.solver_count(), parallel.solver_rank()) == (1, 0)


@pytest.mark.parametrize("number", [1.5, "2", None])
@pytest.mark.parametrize("say", [parallel.set_solver_count, parallel.set_solver_rank, parallel.set_multiprocess])
def test_what_is_no_number(say, number):
    with pytest.raises(TypeError):
        say(number)


@pytest.mark.parametrize("uid", ["uid", b"uid"])
def test_nccl_can_be_made_and_no_more(uid):
    nccl = NCCL(None, uid)
    assert not has_nccl()
    with pytest.raises(CaffeError, match=r"bcast: NCCL is not available"):
        nccl.bcast()
    with pytest.raises(CaffeError, match=r"new_uid: NCCL is not available"):
        NCCL.new_uid()
    with pytest.raises(TypeError):
        NCCL(None, 3)
