"""Write models/layers.json anew, after a model was added or its definition or classes changed.

python -m tests.zoo.record_layers
"""

from __future__ import annotations

import json
from typing import Any

from dgnam import zoo
from dgnam.api.layers import describe
from dgnam.zoo.folders import data_folder


def layers_of(name: str) -> list[list[Any]]:
    """The layers of a model as the file has them."""
    return [[row.name, row.type, None if row.shape is None else list(row.shape), row.example] for row in describe(name)]


if __name__ == "__main__":
    rows = {entry.name: layers_of(entry.name) for entry in zoo.list_models()}
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(row, ensure_ascii=False)}" for name, row in rows.items())
    (data_folder("models") / "layers.json").write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")
