"""The stopwatch, on a clock of the test's own."""

import time

import pytest

from dgnam.caffe import timer
from dgnam.caffe.timer import Timer


@pytest.fixture
def clock(monkeypatch):
    """A list whose last item is the time in seconds."""
    times = [10.0]
    monkeypatch.setattr(timer, "_now", lambda: times[-1])
    return times


def test_start_stop_ms(clock):
    t = Timer()
    t.start()
    clock.append(10.25)
    t.stop()
    clock.append(99)
    assert t.ms == 250
    assert t.ms == 250


def test_a_second_start_goes_on_with_the_first(clock):
    t = Timer()
    t.start()
    clock.append(10.5)
    t.start()
    clock.append(11)
    t.stop()
    assert t.ms == 1000


def test_after_a_stop_it_starts_at_zero(clock):
    t = Timer()
    t.start()
    clock.append(20)
    t.stop()
    t.start()
    clock.append(20.125)
    t.stop()
    assert t.ms == 125


def test_reading_stops_it(clock):
    t = Timer()
    t.start()
    clock.append(11)
    assert t.ms == 1000
    clock.append(12)
    t.stop()
    assert t.ms == 1000


def test_one_that_never_ran_is_zero_with_a_warning(clock, caplog):
    t = Timer()
    t.stop()
    assert t.ms == 0
    assert "never run" in caplog.text


def test_real_time():
    t = Timer()
    t.start()
    time.sleep(0.02)
    t.stop()
    assert 20 <= t.ms < 2000


@pytest.mark.cuda
def test_work_on_the_gpu_is_waited_for():
    import torch

    from dgnam.caffe import mode

    mode.set_mode_gpu()
    try:
        a = torch.rand(8192, 8192, device="cuda")
        t = Timer()
        t.start()
        for _ in range(20):
            a = a @ a
        t.stop()
        assert torch.cuda.current_stream().query()
        assert t.ms > 1
    finally:
        mode.set_mode_cpu()
