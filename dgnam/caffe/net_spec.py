"""pycaffe's `NetSpec`: nets written in Python, layers as functions of their bottoms.

    n = NetSpec()
    n.data = layers.Input(shape=dict(dim=[1, 3, 227, 227]))
    n.conv1 = layers.Convolution(n.data, kernel_size=11, num_output=96, weight_filler=dict(type="gaussian", std=0.01))
    n.relu1 = layers.ReLU(n.conv1, in_place=True)
    n.pool1 = layers.Pooling(n.relu1, pool=params.Pooling.MAX, kernel_size=3, stride=2)
    text = str(n.to_proto())

A layer's options are the fields of its type's message (`convolution_param`) and those common to all layers (`name`,
`param`, `include`), distinguished by name.  `in_place` and `ntop`, the number of tops, are options of the call: it
returns one top, a tuple of several, or the `Function` of a layer without tops.

Blobs and layers not named by a NetSpec are named by type and number: Convolution1, Convolution2.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any

from google.protobuf.message import Message

from ..errors import CaffeError, closest
from .proto import caffe_pb2

Layered = OrderedDict["Function", caffe_pb2.LayerParameter]
"""The layers of a net, in order."""

Names = dict[Any, str]
"""Names of tops, and of functions without tops."""


class UnknownFieldError(CaffeError, AttributeError):
    """A message or a layer has no field of this name."""


class UnknownTopError(CaffeError, AttributeError, KeyError):
    """A NetSpec has no top of this name."""

    __str__ = CaffeError.__str__


def param_name_dict() -> dict[str, str]:
    """Return the field of each layer type's message, without `_param`: inner_product for InnerProduct."""
    fields = caffe_pb2.LayerParameter.DESCRIPTOR.fields
    own = [(f.message_type.name, f.name) for f in fields if f.message_type is not None and f.name.endswith("_param")]
    return {message.removesuffix("Parameter"): name.removesuffix("_param") for message, name in own}


def to_proto(*tops: Top | Function) -> caffe_pb2.NetParameter:
    """Return the net of all layers needed for `tops`, bottoms first, with automatic names."""
    return _net(tops, {})


def assign_proto(proto: Message, name: str, val: Any) -> None:
    """Set the field `name` of a message: a dict sets a message's fields, a list a repeated field's items.

    Any other value becomes the only item of a repeated field.  Raises AttributeError for an unknown field.
    """
    if name not in proto.DESCRIPTOR.fields_by_name:
        raise UnknownFieldError(_unknown(proto.DESCRIPTOR.name, name, proto.DESCRIPTOR.fields_by_name))
    field = getattr(proto, name)
    if hasattr(field, "extend") and not isinstance(val, list):
        val = [val]
    if isinstance(val, dict):
        _assign_all(field, val)
    elif not isinstance(val, list):
        setattr(proto, name, val)
    elif val and isinstance(val[0], dict):
        for item in val:
            _assign_all(field.add(), item)
    else:
        field.extend(val)


class Top:
    """A blob: top number `n` of the layer `fn`."""

    def __init__(self, fn: Function, n: int):
        self.fn = fn
        self.n = n

    def to_proto(self) -> caffe_pb2.NetParameter:
        """Return the net of all layers needed for this top."""
        return to_proto(self)

    def _to_proto(self, layers: Layered, names: Names, autonames: Counter[str]) -> None:
        self.fn._to_proto(layers, names, autonames)


class Function:
    """A layer: its type, bottoms and options.

    params: the options; `ntop` and `in_place` are removed from it.
    tops: the blobs produced; with `in_place`, the bottoms under another name.
    """

    def __init__(self, type_name: str, inputs: Sequence[Top], params: dict[str, Any]):
        self.type_name = type_name
        for index, bottom in enumerate(inputs):
            if not isinstance(bottom, Top):
                raise TypeError(f"{type_name} input {index} is not a Top (type is {type(bottom)})")
        self.inputs = inputs
        self.params = params
        self.ntop: int = params.pop("ntop", 1)
        self.in_place: bool = params.pop("in_place", False)
        self.tops = tuple(Top(self, n) for n in range(self.ntop))

    def _name_of(self, what: Hashable, names: Names, autonames: Counter[str]) -> str:
        """Return the name of a top, or of this layer without tops, assigning one if necessary."""
        if what not in names:
            autonames[self.type_name] += 1
            names[what] = f"{self.type_name}{autonames[self.type_name]}"
        return names[what]

    def _to_proto(self, layers: Layered, names: Names, autonames: Counter[str]) -> None:
        """Add this layer to `layers`, after the layers of its bottoms."""
        if self in layers:
            return
        layer = caffe_pb2.LayerParameter(type=self.type_name)
        for bottom in self.inputs:
            bottom._to_proto(layers, names, autonames)
            layer.bottom.append(layers[bottom.fn].top[bottom.n])
        layer.top.extend(layer.bottom if self.in_place else [self._name_of(top, names, autonames) for top in self.tops])
        layer.name = self._name_of(self if self in names or not self.tops else self.tops[0], names, autonames)
        for name, value in self.params.items():
            self._assign(layer, name, value)
        layers[self] = layer

    def _assign(self, layer: caffe_pb2.LayerParameter, name: str, value: Any) -> None:
        """Set an option in the message of the layer's type or, for a common option, in the layer."""
        if name.endswith("param") or self.type_name not in _param_names:
            own: Message = layer
        else:
            own = getattr(layer, f"{_param_names[self.type_name]}_param")
        message = own if name in own.DESCRIPTOR.fields_by_name else layer
        if name not in message.DESCRIPTOR.fields_by_name:
            known = dict.fromkeys([*own.DESCRIPTOR.fields_by_name, *layer.DESCRIPTOR.fields_by_name])
            raise UnknownFieldError(f"layer '{layer.name}': " + _unknown(self.type_name, name, known))
        assign_proto(message, name, value)


class NetSpec:
    """A net under construction: assigning a top to an attribute or item names it.

    tops: the tops (and functions without tops) by name, in order of first assignment.
    """

    tops: OrderedDict[str, Any]

    def __init__(self) -> None:
        super().__setattr__("tops", OrderedDict())

    def __setattr__(self, name: str, value: Any) -> None:
        self.tops[name] = value

    def __getattr__(self, name: str) -> Any:
        tops = vars(self).get("tops", {})  # without any while a copy is being made
        if name not in tops:
            raise UnknownTopError(f"this NetSpec has no top '{name}'; it has, the closest first: {closest(name, tops)}")
        return tops[name]

    def __delattr__(self, name: str) -> None:
        self.__getattr__(name)
        del self.tops[name]

    def __setitem__(self, name: str, value: Any) -> None:
        setattr(self, name, value)

    def __getitem__(self, name: str) -> Any:
        return self.__getattr__(name)

    def __delitem__(self, name: str) -> None:
        delattr(self, name)

    def to_proto(self) -> caffe_pb2.NetParameter:
        """Return the net of all layers needed for the assigned tops, in order of assignment."""
        for name, top in self.tops.items():
            if not isinstance(top, Top | Function):
                raise TypeError(f"'{name}' is not a Top (type is {type(top)})")
        return _net(self.tops.values(), {top: name for name, top in self.tops.items()})


class Layers:
    """Layers by type: `Layers().Convolution(bottom, kernel_size=3)` returns the top of a convolution.

    Any name is accepted as a type, for layers of other Caffe versions.
    """

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):
            raise AttributeError(name)

        def layer(*bottoms: Top, **options: Any) -> Any:
            function = Function(name, bottoms, options)
            return function if not function.tops else function.tops[0] if function.ntop == 1 else function.tops

        return layer


class Parameters:
    """Enum values of options: `Parameters().Pooling.MAX` is `PoolingParameter.MAX`."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Values(f"{name}Parameter")


class _Values:
    """The enum values of one message."""

    def __init__(self, message: str):
        self._message = message

    def __getattr__(self, name: str) -> Any:
        message = getattr(caffe_pb2, self._message, None)
        if message is None:
            known = [m.removesuffix("Parameter") for m in caffe_pb2.DESCRIPTOR.message_types_by_name]
            option = self._message.removesuffix("Parameter")
            raise AttributeError(f"params has no '{option}'; it has, the closest first: {closest(option, known)}")
        if not hasattr(message, name):
            values = [value.name for enum in message.DESCRIPTOR.enum_types for value in enum.values]
            raise AttributeError(f"{self._message} has no value '{name}'; its values: {closest(name, values)}")
        return getattr(message, name)


def _net(tops: Iterable[Top | Function], names: Names) -> caffe_pb2.NetParameter:
    layers: Layered = OrderedDict()
    autonames: Counter[str] = Counter()
    for top in tops:
        top._to_proto(layers, names, autonames)
    return caffe_pb2.NetParameter(layer=layers.values())


def _assign_all(message: Message, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        assign_proto(message, name, value)


def _unknown(owner: str, name: str, known: Iterable[str]) -> str:
    return f"{owner} has no field '{name}'; its fields, the closest first: {closest(name, known)}"


_param_names = param_name_dict()
layers = Layers()
params = Parameters()
