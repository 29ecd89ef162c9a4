"""`dgnam search` with the small models and few steps."""

from typer import Typer
from typer.testing import CliRunner

from dgnam.api.search.results import RESULT, SHEET, TABLE
from dgnam.cli.tune import search_command

QUICK = ("caffenet-mini", "0,2", "--report", "5-6", "--n-iters", "1,3", "--quiet")

_app = Typer()
_app.command()(search_command)


def call(*words):
    """The result of `dgnam search …`; errors that the user can mend are raised."""
    result = CliRunner().invoke(_app, list(words))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def files(folder):
    names = (RESULT, TABLE, SHEET)
    return {name: (folder / name).read_bytes() for name in names}
