"""`dgnam train`: train a small model of the zoo, or the net of a solver.prototxt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..am.argument_types import check_types
from ..caffe.mode import usable_device
from ..errors import DgnamError
from ..files.paths import StrPath
from ..runs import Interrupted, Record
from ..runs.record import RECORD, resume_command
from ..train import zoo as train_zoo
from ..train.own_net import train_own


@dataclass(frozen=True)
class Trained:
    """What a training came to.

    made: the model's folder, or the file of a solver's weights; None where it stopped at a checkpoint.
    folder: the run's, with its checkpoints.
    summary: the same in lines for people.
    """

    made: Path | None
    folder: Path
    summary: Sequence[str]


def train(
    model: str,
    *,
    data: StrPath | None = None,
    weights: StrPath | None = None,
    precision: str | None = None,
    adversarial_radius: float | None = None,
    device: str = "cpu",
    time_limit: float | None = None,
    replace: bool = False,
    folder: StrPath | None = None,
    resume: bool | None = None,
    progress: bool = True,
) -> Trained:
    """Train a model, or resume the training in its folder.

    model: a small model of our own, which ends with its card in `models/`; or the path of a solver.prototxt, whose
        weights end as a caffemodel beside the checkpoints.
    data: the folder of the image sets; $DGNAM_DATA where None.
    weights, precision, adversarial_radius: with a solver.prototxt, weights to start from; "bfloat16" or "float32",
        where None takes what the device is faster in; and how far, in gray levels, pictures are changed for the worse
        before the net learns from them.
    time_limit: minutes after which to stop at a checkpoint.
    replace: put a small model into the place of the one that is there; otherwise that is an error.
    folder: the run's; runs/train-NAME where None.
    resume: None resumes where the folder holds a training; True where it must, False where it must not.

    Raises Interrupted after Ctrl-C or SIGTERM, at a checkpoint.
    """
    check_types(train, dict(locals()))
    if time_limit is not None and not time_limit >= 0:
        raise DgnamError(f"time_limit={time_limit:g}: give a number of minutes, 0 or more")
    own = model.endswith(".prototxt")
    with_solver = {"weights": weights, "precision": precision, "adversarial_radius": adversarial_radius}
    if not own and any(value is not None for value in with_solver.values()):
        raise DgnamError(f"'{model}' has its own recipe: {', '.join(with_solver)} are for a solver.prototxt")
    trained = Path(model).resolve().parent.name if own else train_zoo.trained_as(model)
    place = Path(folder) if folder is not None else Path("runs") / f"train-{trained}"
    _check_folder(place, resume)
    how: dict[str, Any] = {"data_folder": data, "device": usable_device(device), "progress": progress}
    how["time_limit"] = None if time_limit is None else time_limit * 60
    try:
        if own:
            how |= {"weights": None if weights is None else Path(weights), "adversarial_radius": adversarial_radius}
            made = train_own(model, place, precision=precision, **how)
        else:
            made = train_zoo.build_model(model, place, replace=replace, **how)
    except KeyboardInterrupt as stop:
        if not (place / RECORD).is_file():
            raise
        said = stop if isinstance(stop, Interrupted) else Interrupted("stopped")
        said.folder = place
        raise said from None
    if made is None:
        return Trained(None, place, [f"==> stopped at a checkpoint in {place}; resume it: {resume_command(place)}"])
    return Trained(made, place, [f"==> made: {made}{'' if own else '/'}"])


def _check_folder(folder: Path, resume: bool | None) -> None:
    if resume:
        Record.read(folder)
    elif resume is False and (folder / RECORD).is_file():
        raise DgnamError(f"{folder} holds a run already: give resume=True, or another folder")
