"""Checks of a solver's definition before training."""

from __future__ import annotations

import os

from ...errors import CaffeError, CaffeFormatError
from ..proto import pb


def check(param: pb.SolverParameter, kind: str, source: str) -> None:
    """Raise CaffeFormatError if the definition contradicts itself or the solver's type `kind`.

    source: the definition's name in errors.
    """
    if param.average_loss < 1:
        raise _wrong(source, "average_loss", f"must be at least 1; it is {param.average_loss}")
    if param.iter_size < 1:
        raise _wrong(source, "iter_size", f"must be at least 1; it is {param.iter_size}")
    if kind in ("AdaGrad", "RMSProp") and param.momentum != 0:
        raise _wrong(source, "momentum", f"can't be used with {kind}; it is {param.momentum:g}")
    if kind == "RMSProp" and not 0 <= param.rms_decay < 1:
        raise _wrong(source, "rms_decay", f"must lie in [0, 1); it is {param.rms_decay:g}")


def check_prefix(param: pb.SolverParameter, source: str) -> None:
    """Raise an error if no snapshot can be written."""
    if not param.HasField("snapshot_prefix"):
        raise _wrong(source, "snapshot", "needs a snapshot_prefix")
    probe = f"{param.snapshot_prefix}_iter_0.tempfile"
    try:
        with open(probe, "wb"):
            pass
        os.remove(probe)
    except OSError as error:
        raise CaffeError(
            f"{source}: can't write to snapshot_prefix '{param.snapshot_prefix}' ({error.strerror}); "
            "does its folder exist and is it writable?"
        ) from None


def _wrong(source: str, field: str, reason: str) -> CaffeFormatError:
    return CaffeFormatError(f"{source}: {field} {reason}")
