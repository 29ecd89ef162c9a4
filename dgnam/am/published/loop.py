"""The published loop, one image at a time, on two nets with pycaffe's interface: real Caffe's or `dgnam.caffe`'s.

    target = caffe.Net("caffenet.prototxt", "bvlc_reference_caffenet.caffemodel", caffe.TEST)
    generator = caffe.Net("generator.prototxt", "generator.caffemodel", caffe.TEST)
    trace = synthesize(target, generator, Unit("fc8", 643), random_code(0, (1, 4096)), released(), clip=bounds)

Both prototxts need `force_backward: true`, or their inputs get no gradient.

A step takes the code y through the generator to an image, whose centre x0 the target sees.  With s the step's size:

    x = x0 + s / mean|dh/dx| * dh/dx            the unit's value h is climbed in the image,
    g = the generator's gradient for x - x0     and the change is taken back to the code,
    y = y + s / mean|g| * g                     clipped to its bounds, and shrunk by the regularisation.

A gradient that is zero or NaN moves nothing.  A zero one, of target or code, ends the loop after that step's clip
and shrinking; so does a NaN from the target, since x - x0 is then zero.  One from the generator alone does not.

[1] https://github.com/Evolving-AI-Lab/synthesizing at eb7f2e7, act_max.py
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import DgnamError
from ..crop import centre
from ..objectives.objective import Unit
from ..regularizers.bounds import Bounds
from ..regularizers.regularizer import Regularisation, Rule
from ..settings import Settings
from ..steps.update_rule import PerMean

Net = Any  # a pycaffe Net, or one of the same interface


@dataclass(frozen=True, eq=False)
class Step:
    """One step.

    image: (1, 3, h, w) float32, BGR, mean-subtracted: what the target saw, made by the code before the step.
    activation: the unit's value for it.
    code: (1, *code_shape) float32, after the step.
    stop: whether a gradient vanished, so that the loop ends here.
    """

    image: np.ndarray
    activation: float
    code: np.ndarray
    stop: bool


@dataclass(frozen=True, eq=False)
class Trace:
    """A whole run.

    image: (1, 3, h, w) float32, BGR, mean-subtracted: the one before the last update, which the published code saves.
    codes: (steps, *code_shape) float32, after each step.
    activations: (steps,), of the images before each step's update.
    """

    image: np.ndarray
    codes: np.ndarray
    activations: np.ndarray


def synthesize(
    target: Net,
    generator: Net,
    unit: Unit,
    start_code: np.ndarray,
    settings: Settings,
    *,
    clip: Bounds | None,
    on_step: Callable[[int, Step], None] | None = None,
) -> Trace:
    """Optimize `start_code` (1, *code_shape) for the unit.

    clip: what the code is clipped to after each step; None leaves it free.
    on_step: called with each step and its number.
    """
    _check_code(generator, start_code)
    _check_settings(settings)
    bounds = None if clip is None else clip.shaped(start_code.shape[1:])
    code = start_code.astype(np.float32)
    steps = []
    for i in range(settings.n_iters):
        steps.append(advance(target, generator, unit, code, settings.step_size(i), settings.regularisation, bounds))
        code = steps[-1].code
        if on_step is not None:
            on_step(i, steps[-1])
        if steps[-1].stop:
            break
    return Trace(steps[-1].image, np.concatenate([s.code for s in steps]), np.array([s.activation for s in steps]))


def advance(
    target: Net,
    generator: Net,
    unit: Unit,
    code: np.ndarray,
    step_size: float,
    regularisation: Regularisation,
    bounds: Bounds | None,
) -> Step:
    """One step from `code` (1, *code_shape)."""
    image = _generate(generator, code)
    window = (..., *centre(image.shape[2:], target.blobs[target.inputs[0]].data.shape[2:]))
    x0 = image[window].copy()
    activation, image_gradient = _look(target, unit, x0)
    moved = image.copy()
    moved[window] = _climb(x0, image_gradient, step_size)
    code_gradient = _back_through(generator, moved - image)
    stop = bool(_norm(image_gradient) == 0 or _norm(code_gradient) == 0)
    if not stop:
        pull = regularisation.gradient(code)
        if pull is not None:
            # The normalised image has scaled the objective's gradient by this; so it scales the rule's.
            code_gradient = code_gradient + pull * (step_size / np.abs(image_gradient).mean())
        code = _climb(code, code_gradient, step_size)
    if bounds is not None:
        code = bounds.apply(code)
    return Step(x0, activation, regularisation.shrink(code), stop)


def _generate(generator: Net, code: np.ndarray) -> np.ndarray:
    """The generator's image (1, 3, H, W)."""
    return generator.forward(**{generator.inputs[0]: code})[generator.outputs[-1]].copy()


def _look(target: Net, unit: Unit, image: np.ndarray) -> tuple[float, np.ndarray]:
    """The unit's value for the image, and its gradient by the image."""
    name = target.inputs[0]
    top = target.top_names[unit.layer][0]
    values = target.forward(**{name: image}, end=unit.layer)[top]
    offset = unit.offset(values.shape[1:])
    activation = float(values.flat[offset])
    one_hot = np.zeros_like(values)
    one_hot.flat[offset] = 1
    target.blobs[top].diff[...] = one_hot
    gradient = target.backward(start=unit.layer, diffs=[name])[name].copy()
    target.blobs[top].diff[...] = 0
    return activation, gradient


def _back_through(generator: Net, difference: np.ndarray) -> np.ndarray:
    """The generator's gradient by the code, for a gradient by its image."""
    name = generator.inputs[0]
    return generator.backward(**{generator.outputs[-1]: difference})[name].copy()


def _climb(values: np.ndarray, gradient: np.ndarray, step_size: float) -> np.ndarray:
    """`values` + step_size / mean |gradient| * gradient, or `values` where the gradient is zero or NaN."""
    norm = _norm(gradient)
    if norm == 0 or np.isnan(norm):
        return values
    return values + np.float32(step_size / np.abs(gradient).mean()) * gradient


def _norm(gradient: np.ndarray) -> float:
    return float(np.linalg.norm(gradient))


def _check_code(generator: Net, code: np.ndarray) -> None:
    name = generator.inputs[0]
    wanted = generator.blobs[name].data.shape
    if tuple(code.shape) != tuple(wanted):
        raise DgnamError(
            f"the start code has shape {tuple(code.shape)}; the generator's '{name}' takes {tuple(wanted)}"
        )


def _check_settings(settings: Settings) -> None:
    if settings.ascent != PerMean() or settings.transform is not None or isinstance(settings.regularisation, Rule):
        raise DgnamError(
            f"the published loop has its own step and Shrink or NormPenalty, and the settings are "
            f"{settings.as_dict()}; only the batch loop, dgnam.am.synthesize, takes them"
        )
