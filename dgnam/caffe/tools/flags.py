"""Options in gflags's syntax, as of Caffe's commands: `--solver=x`, `--solver x`, `-solver=x`, `-solver x`."""

from __future__ import annotations

import re
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from ...errors import CaffeError

_SINGLE_DASH = re.compile(r"-[A-Za-z]\w+(=.*)?", re.S)

_ON, _OFF = ("true", "t", "yes", "y", "1"), ("false", "f", "no", "n", "0")

Gpu = Annotated[str, typer.Option(help="The GPU to run on: its number, or 'all'.  Default: the CPU.")]
Iterations = Annotated[int, typer.Option(min=1, help="How many batches to run.")]
Level = Annotated[int, typer.Option(help="The level tested by the layers' include and exclude rules.")]
Model = Annotated[str, typer.Option(help="The prototxt of the net.")]
Phase = Annotated[str, typer.Option(help="TRAIN or TEST; used by `time` only.")]
Stage = Annotated[str, typer.Option(help="The stages tested by the layers' rules, separated by commas.")]


class CaffeCommands(TyperGroup):
    """A group of commands that accepts long options with one dash, and `_` for `-` in command names."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, [two_dashes(argument) for argument in args])

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return super().get_command(ctx, cmd_name.replace("_", "-"))


class CaffeCommand(TyperCommand):
    """A command with flags that accept values: `--gray=true`, `--gray=0`, and likewise `--nogray`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        flags = {opt: p for p in self.params if getattr(p, "is_flag", False) for opt in p.opts if p.secondary_opts}
        return super().parse_args(ctx, [_switched(argument, flags) for argument in args])


def _switched(argument: str, flags: dict[str, Any]) -> str:
    option, equals, value = argument.partition("=")
    if not equals or option not in flags:
        return argument
    if value.lower() not in _ON + _OFF:
        raise CaffeError(f"{option}={value}: use one of {', '.join(_ON + _OFF)}")
    return option if value.lower() in _ON else flags[option].secondary_opts[0]


def two_dashes(argument: str) -> str:
    """Convert `-solver=x` to `--solver=x`; short options, numbers and other arguments are unchanged."""
    return f"-{argument}" if _SINGLE_DASH.fullmatch(argument) else argument


def required(value: str, option: str, what: str) -> str:
    """Return `value`; raises CaffeError if a required option is empty."""
    if not value:
        raise CaffeError(f"pass {what} with --{option}")
    return value


def stages(text: str) -> list[str]:
    """Return the stages given by `--stage`."""
    return [name for name in text.split(",") if name]
