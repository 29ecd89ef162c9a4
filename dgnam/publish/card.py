"""A model's card: what it is, what its training took, and what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..runs import threads
from ..train.curves import read_log
from ..train.feed import FeedSpec


def effort(run_folder: Path, feed: FeedSpec, iterations: int, device: str) -> dict[str, Any]:
    """What the training in `run_folder` took, by its log."""
    log = read_log(run_folder)
    timed = [entry for entry in log if "seconds" in entry]
    waited = [entry["waiting"] for entry in log if "waiting" in entry]
    seconds = timed[-1]["seconds"] if timed else None
    return {
        "pictures": feed.source,
        "iterations": iterations,
        "batch_size": feed.batch_size,
        "seconds": None if seconds is None else round(seconds),
        "images_per_second": round(timed[-1]["iteration"] * feed.batch_size / seconds) if seconds else None,
        "waiting_for_data": round(sum(waited) / len(waited), 4) if waited else None,
        "device": device,
        "threads": threads(),
    }


def card_text(card: Mapping[str, Any]) -> str:
    """A model's card, for people."""
    training, measured = card["training"], card["measured"]
    plain = "Caffe's HDF5 in float16" if card["file"].endswith(".h5") else "a caffemodel in float32"
    storage = card.get("storage", plain)  # cards of the first models have none
    numbers = [f"| {key} | {value:.4g} |" for key, value in measured.items() if not isinstance(value, str)]
    earlier = training.get("pretraining")
    lines = [
        f"# {card['name']}",
        "",
        f"{card['what'][0].upper()}{card['what'][1:]}.",
        "",
        f"- Definition: `prototxt/{card['name']}/deploy.prototxt`; weights: `{card['file']}`, {storage}, "
        f"{card['bytes']:,} bytes, sha256 `{card['sha256']}`.",
        f"- Data: {card['data']}.",
        *([f"- Before: {_effort_text(earlier)}."] if earlier is not None else []),
        f"- Training: `dgnam train {card['name']} --data DIR`: {_effort_text(training)}.",
        f"- Made on {card['date']}. Licence: as the data's terms allow, for non-commercial research.",
        "",
        f"Measured on {measured['on']}, with the weights as stored:",
        "",
        "| what | value |",
        "| --- | --- |",
        *numbers,
    ]
    return "\n".join(lines) + "\n"


def _effort_text(training: Mapping[str, Any]) -> str:
    """The training in a line."""
    minutes = "time not recorded" if training["seconds"] is None else f"{training['seconds'] / 60:.1f} min"
    parts = [f"{training['iterations']:,} batches of {training['batch_size']} from `{training['pictures']}`", minutes]
    if training["images_per_second"] is not None:
        parts.append(f"{training['images_per_second']} images/s on {training['device']}")
    if training["waiting_for_data"] is not None:
        parts.append(f"{training['waiting_for_data']:.1%} of the time spent waiting for data")
    return "; ".join(parts)
