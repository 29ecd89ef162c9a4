"""Ctrl-C and SIGTERM are noted once, and work as usual from then on."""

import os
import signal
import threading

import pytest

from dgnam.runs import Interrupted, Record, Run, defer_interrupt, interrupt


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_first_signal_is_noted(number, status):
    before = signal.getsignal(number)
    with defer_interrupt() as stop:
        assert not stop
        os.kill(os.getpid(), number)
        assert stop
        with pytest.raises(Interrupted, match="2 of 3") as caught:
            raise stop.interrupted("2 of 3")
        assert caught.value.status == status
    assert signal.getsignal(number) is before


def test_the_second_signal_ends_the_program():
    def twice():
        with defer_interrupt():
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        twice()


def test_outside_the_main_thread_nothing_is_noted():
    seen = []

    def work():
        with defer_interrupt() as stop:
            seen.append(bool(stop))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [False]


def test_the_message_is_the_whole_command_to_resume(tmp_path):
    run = Run.create_at(tmp_path / "x", Record("visualize", {"target": "mine:net", "labels": "a:b"}, {}))
    assert str(Interrupted("stopped", folder=run.path)) == (
        f"stopped; resume it: dgnam resume {run.path} --target mine:net"
    )
    assert str(Interrupted("stopped", folder=tmp_path)) == f"stopped; resume it: dgnam resume {tmp_path}"


def test_the_exit_statuses():
    statuses = interrupt.BAD_INPUT, interrupt.STOPPED, interrupt.INCOMPLETE, interrupt.INTERRUPTED, interrupt.TERMINATED
    assert statuses == (2, 3, 4, 130, 143)
    assert Interrupted("stopped").status == 130
    assert Interrupted("stopped").folder is None
    stop = interrupt.Stop()
    assert (bool(stop), stop.interrupted("done").status) == (False, 130)
    stop.status = 143
    assert (bool(stop), stop.interrupted("done").status) == (True, 143)
