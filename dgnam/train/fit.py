"""Whether the networks of a training fit each other, said before anything is trained."""

from __future__ import annotations

from collections.abc import Collection

from ..caffe.wiring.build import NetPlan
from ..errors import DgnamError
from .encoder import Encoder


def check_same_weights(trained: NetPlan, tested: NetPlan) -> None:
    """Raise DgnamError where a layer of the net that is tested has other shapes of weights than the trained one's."""
    shapes = {(param.owner, param.index): param.blob.shape for param in trained.params}
    for param in tested.params:
        known = shapes.get((param.owner, param.index))
        if known != param.blob.shape:
            found = "none" if known is None else f"of shape {known}"
            raise DgnamError(
                f"layer '{param.owner}' has weights of shape {param.blob.shape} in the net that is tested, and {found} "
                "in the one that is trained; do their pictures differ in size?"
            )


def check_fit(generator: NetPlan, discriminator: NetPlan, encoder: Encoder, side: int) -> None:
    """Raise DgnamError where G, D and E don't fit each other and pictures of `side` x `side`.

    G takes a code and makes a picture at least as large as the real ones, of which the center counts; D takes a real
    one's size and a code, in this order; E sees the center of either.
    """
    _check_inputs(generator, 1, "a code", encoder)
    _check_inputs(discriminator, 2, "a picture and a code, in this order", encoder)
    _check_output(generator, side)
    seen = discriminator.blob_shapes[discriminator.inputs[0]][1:]
    if seen != (3, side, side):
        raise DgnamError(f"net '{discriminator.name}' sees pictures of {seen}, and they are (3, {side}, {side})")
    _check_sees(encoder, "the encoder", side)


def check_generator(generator: NetPlan, encoder: Encoder, side: int) -> None:
    """Raise DgnamError where G and E don't fit each other and pictures of `side` x `side`."""
    _check_inputs(generator, 1, "a code", encoder)
    _check_output(generator, side)
    _check_sees(encoder, "the encoder", side)


def check_comparator(
    comparator: Encoder, layers: Collection[str], heads: Collection[str], side: int, shrink: int = 1
) -> None:
    """Raise DgnamError where C sees more than pictures of `side` x `side`, or a head has features without positions.

    shrink: how many times smaller C sees the pictures.
    """
    name = comparator.net.plan.name
    _check_sees(comparator, f"comparator '{name}'", side, shrink)
    for layer, shape in zip(layers, comparator.feature_shapes, strict=True):
        if layer in heads and len(shape) != 3:
            raise DgnamError(f"a head needs features (C, H, W), and layer '{layer}' of net '{name}' gives {shape}")


def _check_inputs(net: NetPlan, count: int, what: str, encoder: Encoder) -> None:
    if len(net.inputs) != count or len(net.outputs) != 1:
        raise DgnamError(f"net '{net.name}' must have {what}, as input, and one output")
    taken = tuple(net.blob_shapes[net.inputs[-1]][1:])
    if taken != encoder.code_shape:
        raise DgnamError(
            f"net '{net.name}' takes codes of {taken}, and the encoder's layer '{encoder.code_layer}' gives "
            f"{encoder.code_shape}"
        )


def _check_output(generator: NetPlan, side: int) -> None:
    made = generator.blob_shapes[generator.outputs[0]][1:]
    if len(made) != 3 or made[0] != 3 or min(made[1:]) < side:
        raise DgnamError(f"net '{generator.name}' makes pictures of {made}, and the real ones are (3, {side}, {side})")


def _check_sees(net: Encoder, what: str, side: int, shrink: int = 1) -> None:
    height, width = (length * shrink for length in net.size)
    if side < max(height, width):
        raise DgnamError(f"pictures of {side}x{side} are too small for {what}, which sees {height}x{width}")
