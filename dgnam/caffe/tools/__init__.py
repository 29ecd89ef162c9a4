"""Caffe's commands, under `dgnam caffe`; one module each."""

from __future__ import annotations

import typer

from ..glog import LOGGER, to_stderr
from ..launch.alias import installed
from . import (
    benchmark,
    compute_image_mean,
    convert_imageset,
    device_query,
    extract_features,
    score,
    train,
    upgrade,
)
from .flags import CaffeCommand, CaffeCommands

app = typer.Typer(cls=CaffeCommands, help="The commands of Caffe, with its options.", no_args_is_help=True)


@app.callback()
def _options(context: typer.Context) -> None:
    handler = to_stderr()
    context.call_on_close(lambda: LOGGER.removeHandler(handler))
    context.with_resource(installed())  # the modules of Python layers import caffe


app.command("train")(train.train)
app.command("test")(score.score)
app.command("time")(benchmark.benchmark)
app.command("device-query")(device_query.device_query)
app.command("upgrade-net-proto-text")(upgrade.upgrade_net_text)
app.command("upgrade-net-proto-binary")(upgrade.upgrade_net_binary)
app.command("upgrade-solver-proto-text")(upgrade.upgrade_solver_text)
app.command("convert-imageset", cls=CaffeCommand)(convert_imageset.command)
app.command("compute-image-mean")(compute_image_mean.command)
app.command("extract-features")(extract_features.command)
