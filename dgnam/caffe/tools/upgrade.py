"""`dgnam caffe upgrade-…`: upgrade old definitions and models to the current format."""

from __future__ import annotations

from typing import Annotated

import typer

from ...files.paths import replacing
from ..glog import LOGGER
from ..proto import read_caffemodel, read_net, read_net_from_caffemodel, read_solver, to_text, write_caffemodel

Old = Annotated[str, typer.Argument(help="The file to read.")]
New = Annotated[str, typer.Argument(help="The file to write.")]


def upgrade_net_text(old: Old, new: New) -> None:
    """Upgrade a net's prototxt to the current format."""
    _write(new, to_text(read_net(old)))
    LOGGER.info("Wrote upgraded NetParameter text proto to %s", new)


def upgrade_net_binary(old: Old, new: New) -> None:
    """Upgrade a caffemodel to the current format."""
    write_caffemodel(new, read_net_from_caffemodel(old), read_caffemodel(old), read_caffemodel(old, diffs=True))
    LOGGER.info("Wrote upgraded NetParameter binary proto to %s", new)


def upgrade_solver_text(old: Old, new: New) -> None:
    """Upgrade a solver's prototxt to the current format."""
    _write(new, to_text(read_solver(old, prefix=False)))
    LOGGER.info("Wrote upgraded SolverParameter text proto to %s", new)


def _write(path: str, text: str) -> None:
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8")
