"""What a search for settings is asked for, as `dgnam search --resume` reads it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from dgnam.am import SearchSpace
from dgnam.api.search.request import FORMAT, Request, read_request
from dgnam.errors import naming

FILE = "hostile/run.json"


def seeds() -> list[bytes]:
    names = ("caffenet-mini", "deepsim-fc6-mini", "judge-mini", "probability", "fc8:0-7", "fc8:100-107")
    spaces = (SearchSpace(), SearchSpace(n_iters=(3, 5), start_lr=(2, 2), shrink=None, norm_penalty=(0.01, 0.1, True)))
    requests = [Request(*names, 12, 0, "random", True, space.as_dict()) for space in spaces]
    return [json.dumps({"format": FORMAT, "request": dataclasses.asdict(r)}).encode() for r in requests]


def read(path: Path) -> None:
    request = read_request(path.parent)
    with naming(path):  # ranges that can't be
        SearchSpace(**request.space)
