"""A model's card: what it is, what its training took, and what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...runs.environment import threads
from ..batch_norm.fold import Arrays
from ..curves import read_log
from ..data_layer import DataLayer


@dataclass(frozen=True)
class Built:
    """A trained model: its weights, what its card says of it, and of a generator the act_range."""

    weights: Arrays
    card: dict[str, Any]
    act_range: np.ndarray | None = None


def training_facts(run_folder: Path, layer: DataLayer, iterations: int, device: str) -> dict[str, Any]:
    """What the training in `run_folder` took up to this iteration, by its log.

    device: what counts where the log doesn't say on what the training ran, as do the threads of this process.
    """
    log = [entry for entry in read_log(run_folder) if entry["iteration"] <= iterations]
    timed = [entry for entry in log if "seconds" in entry]
    waited = [entry["waiting"] for entry in log if "waiting" in entry]
    seconds = timed[-1]["seconds"] if timed else None
    began = [entry for entry in log if "device" in entry and entry["iteration"] < iterations]
    last = began[-1] if began else {"device": device, "threads": threads()}
    return {
        "pictures": layer.source,
        "iterations": iterations,
        "batch_size": layer.batch_size,
        **({} if layer.clips is None else {"frames": layer.frames}),
        "seconds": None if seconds is None else round(seconds),
        "images_per_second": round(timed[-1]["iteration"] * layer.shapes[0][0] / seconds) if seconds else None,
        "waiting_for_data": round(sum(waited) / len(waited), 4) if waited else None,
        "device": last["device"],
        "threads": last["threads"],
    }


def card_text(card: Mapping[str, Any]) -> str:
    """A model's card, for people."""
    training, measured = card["training"], card["measured"]
    definition = card.get("definition", card["name"])
    plain = "Caffe's HDF5 in float16" if card["file"].endswith(".h5") else "a caffemodel in float32"
    storage = card.get("storage", plain)  # cards of the first models have none
    numbers = [f"| {key} | {value:.4g} |" for key, value in measured.items() if not isinstance(value, str)]
    lines = [
        f"# {card['name']}",
        "",
        f"{card['what'][0].upper()}{card['what'][1:]}.",
        "",
        f"- Definition: `prototxt/{definition}/deploy.prototxt`; weights: `{card['file']}`, {storage}, "
        f"{card['bytes']:,} bytes, sha256 `{card['sha256']}`.",
        f"- Data: {card['data']}.",
        *_training_lines(card["name"], training),
        f"- Made on {card['date']}. License: as the data's terms allow, for non-commercial research.",
        "",
        f"Measured on {measured['on']}, with the weights as stored:",
        "",
        "| what | value |",
        "| --- | --- |",
        *numbers,
    ]
    return "\n".join(lines) + "\n"


def _training_lines(name: str, training: Mapping[str, Any]) -> list[str]:
    """The training, and what came before it and after it."""
    earlier, statistics, whole = (training.get(key) for key in ("pretraining", "statistics_of", "of"))
    lines = [] if earlier is None else [f"- Before: {_training_text(earlier)}."]
    lines.append(f"- Training: `dgnam train {name} --data DIR`: {_training_text(training)}.")
    if statistics is not None:
        lines.append(
            f"- Batch normalisation has no statistics yet; folded away were those of {statistics} training pictures."
        )
    if whole is not None and "code" in whole:
        lines.append(
            f"- The values of {whole['code']} have the scale that the training gave them; {whole['model']}'s are "
            "brought to another, which leaves its scores as they are."
        )
    return lines


def _training_text(training: Mapping[str, Any]) -> str:
    """The training in a line."""
    whole = training.get("of")
    if whole is not None and training["iterations"] == 0:
        return f"none yet; the weights are those that the training of {whole['model']} starts with"
    what = f" clips of {training['frames']} frames" if "frames" in training else ""
    minutes = "time not recorded" if training["seconds"] is None else f"{training['seconds'] / 60:.1f} min"
    batches = f"{training['iterations']:,} batches of {training['batch_size']}{what} from `{training['pictures']}`"
    way = "" if whole is None else f", of the {whole['iterations']:,} of {whole['model']}'s training"
    parts = [batches + way, minutes]
    if training["images_per_second"] is not None:
        parts.append(f"{training['images_per_second']} images/s on {training['device']}")
    if training["waiting_for_data"] is not None:
        parts.append(f"{training['waiting_for_data']:.1%} of the time spent waiting for data")
    return "; ".join(parts)
