"""Whether the networks of a generator's training fit each other, said before anything is trained."""

from __future__ import annotations

from ..caffe.wiring.build import NetPlan
from ..errors import DgnamError
from .encoder import Encoder


def check_fit(generator: NetPlan, discriminator: NetPlan, encoder: Encoder, side: int) -> None:
    """Raise DgnamError where G, D and E don't fit each other and pictures of `side` x `side`.

    G takes a code and makes a picture at least as large as the real ones, of which the centre counts; D takes a real
    one's size and a code, in this order; E sees the centre of either.
    """
    for net, count, what in ((generator, 1, "a code"), (discriminator, 2, "a picture and a code, in this order")):
        if len(net.inputs) != count or len(net.outputs) != 1:
            raise DgnamError(f"net '{net.name}' must have {what}, as input, and one output")
        taken = tuple(net.blob_shapes[net.inputs[-1]][1:])
        if taken != encoder.code_shape:
            raise DgnamError(
                f"net '{net.name}' takes codes of {taken}, and the encoder's layer '{encoder.code_layer}' gives "
                f"{encoder.code_shape}"
            )
    made = generator.blob_shapes[generator.outputs[0]][1:]
    if len(made) != 3 or made[0] != 3 or min(made[1:]) < side:
        raise DgnamError(f"net '{generator.name}' makes pictures of {made}, and the real ones are (3, {side}, {side})")
    seen = discriminator.blob_shapes[discriminator.inputs[0]][1:]
    if seen != (3, side, side):
        raise DgnamError(f"net '{discriminator.name}' sees pictures of {seen}, and they are (3, {side}, {side})")
    if side < max(encoder.size):
        height, width = encoder.size
        raise DgnamError(f"pictures of {side}x{side} are too small for the encoder, which sees {height}x{width}")
