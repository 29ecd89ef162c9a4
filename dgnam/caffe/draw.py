"""pycaffe's `draw`: graphs of nets by pydot and Graphviz.

Layers are boxes colored by type; blobs are octagons.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

from ..errors import CaffeError, MissingPackageError, optional_module
from .proto import (
    caffe_pb2,  # noqa: F401  (scripts reach it through this module)
    pb,
)

LAYER_STYLE_DEFAULT = {"shape": "record", "fillcolor": "#6495ED", "style": "filled"}
NEURON_LAYER_STYLE = {"shape": "record", "fillcolor": "#90EE90", "style": "filled"}
"""The style of in-place layers."""
BLOB_STYLE = {"shape": "octagon", "fillcolor": "#E0E0E0", "style": "filled"}

_COLORS = {"Convolution": "#FF5050", "Deconvolution": "#FF5050", "Pooling": "#FF9900", "InnerProduct": "#CC33FF"}
_LEARNING = ("Convolution", "Deconvolution", "InnerProduct")
_NO_LABEL = '""'


class DrawError(CaffeError, ValueError):
    """A layer can't be drawn; also a ValueError, as in pycaffe."""


def get_pooling_types_dict() -> dict[int, str]:
    """Return the names of the pooling methods by number."""
    return {number: name for name, number in pb.PoolingParameter.PoolMethod.items()}


def get_edge_label(layer: pb.LayerParameter) -> str:
    """Return the label of a layer's outgoing edges: its number of outputs, or a Data layer's batch size."""
    if layer.type == "Data":
        return f"Batch {layer.data_param.batch_size}"
    if layer.type in ("Convolution", "Deconvolution"):
        return str(layer.convolution_param.num_output)
    if layer.type == "InnerProduct":
        return str(layer.inner_product_param.num_output)
    return _NO_LABEL


def get_layer_lr_mult(layer: pb.LayerParameter) -> tuple[float, float]:
    """Return the learning-rate multipliers of a layer's weights and biases, by default 1."""
    if layer.type not in _LEARNING:
        raise DrawError(f"layer '{layer.name}' is of type {layer.type}; valid types: {', '.join(_LEARNING)}")
    if len(layer.param) > 2:
        raise DrawError(f"layer '{layer.name}' has {len(layer.param)} learning-rate multipliers; takes at most 2")
    given = [param.lr_mult for param in layer.param]
    weights, biases = given + [1.0] * (2 - len(given))
    return weights, biases


def get_layer_label(layer: pb.LayerParameter, rankdir: str, display_lrm: bool = False) -> str:
    """Return a layer's label, quoted: name, type, and for spatial layers kernel size, stride and pad.

    rankdir: the graph's direction; "TB" and "BT" give a one-line label, others one line per entry.
    display_lrm: add the learning-rate multipliers of learned layers, unless both are zero.
    """
    parts = [layer.name, f"({layer.type})"]
    if layer.type == "Pooling":
        pooling = layer.pooling_param
        parts[1] = f"({layer.type} {get_pooling_types_dict()[pooling.pool]})"
        parts += _spatial(pooling.kernel_size, pooling.stride, pooling.pad)
    elif layer.type in ("Convolution", "Deconvolution"):
        conv = layer.convolution_param
        parts += _spatial(_first(conv.kernel_size, 1), _first(conv.stride, 1), _first(conv.pad, 0))
    if display_lrm and layer.type in _LEARNING:
        weights, biases = get_layer_lr_mult(layer)
        if weights or biases:
            parts.append(f"lr mult: {weights:.1f}, {biases:.1f}")
    separator = " " if rankdir in ("TB", "BT") else r"\n"
    return f'"{separator.join(parts)}"'


def choose_color_by_layertype(layertype: str) -> str:
    """Return the color of a layer's box."""
    return _COLORS.get(layertype, LAYER_STYLE_DEFAULT["fillcolor"])


def get_pydot_graph(
    caffe_net: pb.NetParameter,
    rankdir: str,
    label_edges: bool = True,
    phase: int | None = None,
    display_lrm: bool = False,
) -> Any:
    """Return a net as a `pydot.Dot`.

    rankdir: the direction: "LR", "TB" or "BT".
    label_edges: whether edges to tops show the number of outputs.
    phase: TRAIN or TEST restricts the graph to that phase's layers by their include and exclude rules; None for all.
    """
    pydot = optional_module("pydot", "drawing nets", "pydot")
    graph = pydot.Dot(caffe_net.name if caffe_net.name else "Net", graph_type="digraph", rankdir=rankdir)
    nodes: dict[str, Any] = {}
    edges: list[tuple[str, str, str]] = []
    for layer in _layers(caffe_net, phase):
        name = f"{layer.name}_{layer.type}"
        in_place = len(layer.bottom) == 1 and list(layer.bottom) == list(layer.top)
        style = NEURON_LAYER_STYLE if in_place else _layer_style(layer.type)
        nodes[name] = pydot.Node(get_layer_label(layer, rankdir, display_lrm=display_lrm), **style)
        for bottom in layer.bottom:
            nodes[f"{bottom}_blob"] = pydot.Node(bottom, **BLOB_STYLE)
            edges.append((f"{bottom}_blob", name, _NO_LABEL))
        for top in layer.top:
            nodes[f"{top}_blob"] = pydot.Node(top)
            edges.append((name, f"{top}_blob", get_edge_label(layer) if label_edges else _NO_LABEL))
    for node in nodes.values():
        graph.add_node(node)
    for source, target, label in edges:
        graph.add_edge(pydot.Edge(nodes[source], nodes[target], label=label))
    return graph


def draw_net(
    caffe_net: pb.NetParameter, rankdir: str, ext: str = "png", phase: int | None = None, display_lrm: bool = False
) -> bytes:
    """Return a drawing of a net in one of Graphviz's formats, or the graph's text for "raw".

    See `get_pydot_graph` for the other parameters.  Raises MissingPackageError without pydot or Graphviz.
    """
    graph = get_pydot_graph(caffe_net, rankdir, phase=phase, display_lrm=display_lrm)
    if ext == "raw":
        return graph.to_string().encode()
    try:
        return graph.create(format=ext)
    except FileNotFoundError:
        raise MissingPackageError(
            f"drawing a net as {ext} needs Graphviz's program dot: install the system package graphviz, "
            "or use the format raw"
        ) from None


def draw_net_to_file(
    caffe_net: pb.NetParameter,
    filename: str | os.PathLike[str],
    rankdir: str = "LR",
    phase: int | None = None,
    display_lrm: bool = False,
) -> None:
    """Write a drawing of a net in the format given by the file's extension; see `draw_net`."""
    ext = os.fspath(filename).rpartition(".")[2]
    drawn = draw_net(caffe_net, rankdir, ext, phase, display_lrm)
    with open(filename, "wb") as file:
        file.write(drawn)


def _layers(net: pb.NetParameter, phase: int | None) -> Iterator[pb.LayerParameter]:
    """Yield the layers of a phase, or all."""
    for layer in net.layer:
        if phase is not None and layer.include and layer.exclude:
            raise DrawError(f"layer '{layer.name}' has both include and exclude rules; use one kind")
        included = not layer.include or any(rule.phase == phase for rule in layer.include)
        if phase is None or (included and not any(rule.phase == phase for rule in layer.exclude)):
            yield layer


def _layer_style(layer_type: str) -> dict[str, str]:
    return {**LAYER_STYLE_DEFAULT, "fillcolor": choose_color_by_layertype(layer_type)}


def _spatial(kernel_size: int, stride: int, pad: int) -> list[str]:
    """Return their entries in a label."""
    return [f"kernel size: {kernel_size}", f"stride: {stride}", f"pad: {pad}"]


def _first(values: Sequence[int], default: int) -> int:
    return values[0] if len(values) else default
