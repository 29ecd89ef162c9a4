"""What a network has to visualize: its layers with their shapes, and how to ask for a unit of each.

print("\\n".join(table_lines(describe_model("caffenet-mini"))))
print("\\n".join(table_lines(torch_layers(TorchTarget(module, (224, 224))))))
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..caffe.modules.caffe_module import clip_layer
from ..caffe.proto import pb, read_net
from ..caffe.wiring.build import NetPlan, build
from ..errors import FormatError, naming
from ..zoo import registry as zoo
from .objectives.class_names import Classes
from .targets.target import TorchTarget

HEADINGS = ("layer", "type", "shape", "units", "positions", "as an objective")


@dataclass(frozen=True)
class LayerRow:
    """One layer.

    type: Caffe's layer type, or a torch module's class.
    shape: of one image's values at its first top, (C,) or (C, H, W); None where that is not known, or no tensor.
    example: the text of an objective that asks for one of its units; None where it has none.
    """

    name: str
    type: str
    shape: tuple[int, ...] | None
    example: str | None

    @property
    def units(self) -> int | None:
        """How many units it has."""
        return self.shape[0] if self.shape else None

    @property
    def positions(self) -> tuple[int, ...]:
        """The plane of a convolutional layer's positions; () for a layer without."""
        plane = self.shape[1:] if self.shape else ()
        return () if all(size == 1 for size in plane) else plane


def describe_model(model: str, weights: str | Path | None = None) -> list[LayerRow]:
    """The layers of a model of the zoo, or of a prototxt, in order; nothing is downloaded.

    weights: a file that is checked to fit the net; needed for nothing else.
    """
    path = Path(model)
    if path.suffix == ".prototxt" or path.is_file():
        prototxt, classes = path, []
    else:
        entry = zoo.get(model)
        prototxt, classes = entry.prototxt, [] if entry.label_set is None else [Classes.of_model(entry)]
    if weights is not None:
        return caffe_layers(zoo.load_net(prototxt, weights, f"'{model}'").plan, classes)
    with naming(prototxt):
        rows = caffe_layers(build(read_net(prototxt), pb.TEST), classes)
        if not rows:
            raise FormatError("the net has no layers in the phase TEST")
        return rows


def caffe_layers(plan: NetPlan, classes: Sequence[Classes] = ()) -> list[LayerRow]:
    """Those of a Caffe net that have a top, but for the splits that are put in between."""
    wired = [w for w in plan.layers if w.tops and w.layer.type != "Split"]
    shapes = {w.name: tuple(plan.blob_shapes[w.tops[0]][1:]) for w in wired}
    types = {w.name: w.layer.type for w in wired}
    return _rows(types, shapes, classes, clips=clip_layer(plan) is not None)


def torch_layers(target: TorchTarget, classes: Sequence[Classes] = ()) -> list[LayerRow]:
    """All modules of a torch target."""
    modules = dict(target.module.named_modules())
    types = {name: type(modules[name]).__name__ for name in target.layers()}
    return _rows(types, target.shapes(), classes)


def table_lines(rows: Sequence[LayerRow]) -> list[str]:
    """The table as lines of text, its columns under headings."""
    cells = [HEADINGS, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEADINGS))]
    return ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in cells]


def _rows(
    types: Mapping[str, str], shapes: Mapping[str, tuple[int, ...]], classes: Sequence[Classes], clips: bool = False
) -> list[LayerRow]:
    """clips: whether the net sees clips, so that none of its units can be asked for."""
    layers = list(types)

    def example(name: str) -> str | None:
        shape = shapes.get(name)
        if clips or not shape or len(shape) not in (1, 3):
            return None
        for known in classes:
            if known.belong_to(name, layers, shapes.__getitem__) and len(known.labels) == shape[0]:
                return f"{name}:{_quoted(known.labels[0].name)}"
        if len(shape) == 3 and shape[1:] != (1, 1):
            return f"{name}:0@{shape[1] // 2},{shape[2] // 2}"
        return f"{name}:0"

    return [LayerRow(name, kind, shapes.get(name), example(name)) for name, kind in types.items()]


def _quoted(name: str) -> str:
    return name if name.isalpha() else f'"{name}"'


def _cells(row: LayerRow) -> tuple[str, ...]:
    shape = "?" if row.shape is None else "x".join(map(str, row.shape))
    units = "" if row.units is None else str(row.units)
    example = "" if row.example is None else row.example
    return row.name, row.type, shape, units, "x".join(map(str, row.positions)), example
