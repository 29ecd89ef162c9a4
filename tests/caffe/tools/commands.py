"""Running Caffe's commands in the test's own process."""

from __future__ import annotations

from dgnam.caffe.tools import app


def run(*arguments: str) -> None:
    """Run `dgnam caffe` with these arguments; errors are raised."""
    app(list(arguments), standalone_mode=False)


def messages(capsys) -> list[str]:
    """What was logged to standard error, without time and place."""
    return [line.split("] ", 1)[-1] for line in capsys.readouterr().err.splitlines()]
