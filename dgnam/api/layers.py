"""What a network has to visualize: its layers with their shapes, and how to ask for a unit of each.

print("\\n".join(table_lines(describe("caffenet-mini"))))
print("\\n".join(table_lines(describe(TorchTarget(module, (224, 224))))))
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path

from .. import zoo
from ..am import CaffeTarget, Classes, ClipTarget, JointTarget, Target, TorchTarget
from ..am.argument_types import checked
from ..am.targets.caffe_layers import caffe_layers as layers_of_plan
from ..caffe.modules.caffe_module import CaffeModule, clip_layer
from ..caffe.proto import pb, read_net
from ..caffe.wiring.build import NetPlan, build
from ..errors import DgnamError, FormatError, naming
from ..files.paths import StrPath
from ..zoo.layers import LayerRow, positions, table_lines, units
from .targets import Labels, is_prototxt, named_classes, open_target

NO_ROWS = "no row of its own for each image"
NO_VALUE = "does not run, or gives no tensor"

__all__ = ["LayerRow", "caffe_layers", "describe", "table_lines", "target_layers", "torch_layers"]


@checked
def describe(
    target: object,
    *,
    weights: StrPath | None = None,
    labels: Labels | None = None,
    labels_layer: str | None = None,
) -> list[LayerRow]:
    """The layers of a target, in order; of a model or a prototxt nothing is downloaded, and no weights are needed.

    target, weights, labels, labels_layer: as `open_target` takes them.
    """
    rows = _described(target, weights)
    if labels is None and labels_layer is None:
        return rows
    counts = {row.name: units(row.shape) for row in rows if row.example and row.shape and not row.positions}
    classes = named_classes(labels, labels_layer, str(target), counts)
    return [_with_class(row, classes, rows) for row in rows]


def _described(target: object, weights: StrPath | None) -> list[LayerRow]:
    """The layers of a target, with the names of classes that it has of its own."""
    several = _several(target)
    if several is not None:
        if weights is not None:
            raise DgnamError(f"target {target!r} is not a prototxt: leave weights out")
        return [row for name, one in several.items() for row in _within(name, _described(one, None))]
    classes: list[Classes] = []
    if not isinstance(target, str | PathLike) or (":" in str(target) and not Path(target).is_file()):
        opened = open_target(target, weights=weights, clips=True)
        return target_layers(opened.target, opened.classes)
    path = Path(target)
    if path.suffix in (".prototxt", ".pbtxt") or path.is_file():
        prototxt = path
    else:
        entry = zoo.get(str(target))
        prototxt = entry.prototxt
        classes += [] if entry.label_set is None else [Classes.of_model(entry)]
    if weights is not None:
        return _of_module(zoo.load_net(prototxt, weights, f"'{target}'"), classes)
    with naming(prototxt):
        definition = read_net(prototxt)
        plan = build(definition, pb.TEST)
        rows = caffe_layers(plan, classes) if clip_layer(plan) is None else _of_module(CaffeModule(definition), classes)
        if not rows:
            raise FormatError("the net has no layers in the phase TEST")
        return rows


def target_layers(target: Target, classes: Sequence[Classes] = ()) -> list[LayerRow]:
    """Those of any target; of what is neither Caffe's nor torch's the types are unknown."""
    if isinstance(target, TorchTarget):
        return torch_layers(target, classes)
    if isinstance(target, CaffeTarget):
        return caffe_layers(target.module.plan, classes)
    if isinstance(target, ClipTarget):
        return clip_layers(target, classes)
    if isinstance(target, JointTarget):
        rows = [row for name, one in target.targets.items() for row in _within(name, target_layers(one))]
        found = {row.name: row.shape for row in rows}
        return _rows({row.name: row.type for row in rows}, found, classes, {row.name: row.note for row in rows})
    shapes: dict[str, tuple[int, ...] | None] = dict.fromkeys(target.layers())
    notes = {}
    for name in shapes:
        try:
            shapes[name] = tuple(target.layer_shape(name))
        except DgnamError as error:
            notes[name] = str(error)
    return _rows(dict.fromkeys(shapes, ""), shapes, classes, notes)


def caffe_layers(plan: NetPlan, classes: Sequence[Classes] = ()) -> list[LayerRow]:
    """Those of a Caffe net that have a top, but for the splits that are put in between."""
    types = {wired.name: wired.layer.type for wired in reversed(plan.layers)}
    known = layers_of_plan(plan)
    shapes = {name: layer.shape for name, layer in known.items()}
    notes = {name: NO_ROWS for name, layer in known.items() if layer.fault is not None}
    return _rows({name: types[name] for name in known}, shapes, classes, notes)


def clip_layers(target: ClipTarget, classes: Sequence[Classes] = ()) -> list[LayerRow]:
    """Those of a net that sees clips that have values of single clips."""
    types = {wired.name: wired.layer.type for wired in reversed(target.module.plan.layers)}
    shapes = {name: target.layer_shape(name) for name in target.layers()}
    return _rows({name: types[name] for name in shapes}, shapes, classes)


def torch_layers(target: TorchTarget, classes: Sequence[Classes] = ()) -> list[LayerRow]:
    """All layers of a torch target: the outputs of its modules, and the modules without any."""
    modules, known = dict(target.module.named_modules()), target.table()
    types = {name: type(modules[known[name].key[0] if name in known else name]).__name__ for name in target.layers()}
    shapes = {name: layer.shape if layer.fault is None else layer.own_shape for name, layer in known.items()}
    notes = {name: NO_ROWS for name, layer in known.items() if layer.fault is not None}
    return _rows(types, shapes, classes, {**dict.fromkeys(types.keys() - known.keys(), NO_VALUE), **notes})


def _of_module(module: CaffeModule, classes: Sequence[Classes]) -> list[LayerRow]:
    """Those of a Caffe net of images or of clips."""
    plan = module.plan
    return caffe_layers(plan, classes) if clip_layer(plan) is None else clip_layers(ClipTarget(module), classes)


def _several(target: object) -> Mapping[str, object] | None:
    """The targets of a dict or of names with commas between; None for one target alone."""
    if isinstance(target, Mapping):
        if not target or not all(isinstance(name, str) for name in target) or "size" in target:
            raise DgnamError(f"several targets need names, none of them 'size': {list(target)}")
        return target
    text = str(target) if isinstance(target, str | PathLike) and not is_prototxt(target) else ""
    names = text.split(",")
    if len(names) == 1:
        return None
    if len(set(names)) < len(names):
        raise DgnamError(f"target '{text}' has a model twice")
    return {name: name for name in names}


def _with_class(row: LayerRow, classes: Classes, rows: Sequence[LayerRow]) -> LayerRow:
    """The row, asking for a unit by the name of its class where it has one."""
    layers, shapes = [one.name for one in rows], {one.name: one.shape or () for one in rows}
    if row.example is None or not classes.belong_to(row.name, layers, shapes.__getitem__):
        return row
    return replace(row, example=f"{row.name}:{_quoted(classes.labels[0].name)}")


def _within(name: str, rows: Sequence[LayerRow]) -> list[LayerRow]:
    """The layers of one of several targets, as these call them."""
    return [
        replace(row, name=f"{name}.{row.name}", example=None if row.example is None else f"{name}.{row.example}")
        for row in rows
    ]


def _rows(
    types: Mapping[str, str],
    shapes: Mapping[str, tuple[int, ...] | None],
    classes: Sequence[Classes],
    notes: Mapping[str, str] | None = None,
) -> list[LayerRow]:
    """notes: of layers without units, why they have none."""
    layers, why = list(types), {} if notes is None else notes

    def example(name: str) -> str | None:
        shape = shapes.get(name)
        if why.get(name) or not shape:
            return None
        for known in classes:
            if known.belong_to(name, layers, lambda layer: shapes[layer] or ()) and len(known.labels) == units(shape):
                return f"{name}:{_quoted(known.labels[0].name)}"
        plane = positions(shape)
        place = f"@{plane[0] // 2},{plane[1] // 2}" if len(plane) == 2 else "@all" if plane else ""
        return f"{name}:0{place}"

    return [LayerRow(name, kind, shapes.get(name), example(name), why.get(name, "")) for name, kind in types.items()]


def _quoted(name: str) -> str:
    return name if name.isalpha() else f'"{name}"'
