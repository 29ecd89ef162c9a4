"""The published loop, one image at a time, on two nets with pycaffe's interface: BVLC Caffe's or `dgnam.caffe`'s.

    target = caffe.Net("caffenet.prototxt", "bvlc_reference_caffenet.caffemodel", caffe.TEST)
    generator = caffe.Net("generator.prototxt", "generator.caffemodel", caffe.TEST)
    trace = synthesize(target, generator, Unit("fc8", 643), random_code(0, (1, 4096)), released(), clip=bounds)

Both prototxts need `force_backward: true`; without it their inputs get no gradient.

A step maps the code y to an image; the target sees its center crop x0.  With s the step size and h the unit's value:

    x = x0 + s / mean|dh/dx| * dh/dx            a step in the image
    g = the generator's gradient for x - x0     its difference, back-propagated to the code
    y = y + s / mean|g| * g                     a step in the code, then the clip, then L2

A zero or NaN gradient moves nothing.  A zero gradient of target or code stops the loop after that step's clip and L2;
so does a NaN from the target, which leaves x - x0 zero.  A NaN from the generator alone does not.

[1] https://github.com/Evolving-AI-Lab/synthesizing at eb7f2e7, act_max.py
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import DgnamError
from ..framing import center_window
from ..jobs import Stop
from ..objectives import Unit
from ..regularizers import Bounds, L2Decay, NormPenalty, Regularizer, StepContext
from ..settings import Settings
from ..steps import NormalizedStep

Net = Any
"""A pycaffe Net, or one with its interface."""


@dataclass(frozen=True, eq=False)
class Step:
    """One step.

    image: (1, 3, h, w) float32, BGR, mean-subtracted: the target's input, of the code before the step.
    activation: the unit's value for it.
    code: (1, *code_shape) float32, after the step.
    stop: other than Stop.NONE if the loop ends here.
    """

    image: np.ndarray
    activation: float
    code: np.ndarray
    stop: Stop


@dataclass(frozen=True, eq=False)
class Trace:
    """A whole run.

    image: (1, 3, h, w) float32, BGR, mean-subtracted: before the last update, as saved by the published code.
    codes: (steps, *code_shape) float32, after each step.
    activations: (steps,), of the images before each step's update.
    stopped: why it ended.
    """

    image: np.ndarray
    codes: np.ndarray
    activations: np.ndarray
    stopped: Stop


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

    clip: bounds of the code; None for no clip.
    on_step: called with the number of each step and the step.

    Raises DgnamError for a code of another shape, and for settings that the published loop lacks.
    """
    _check_code(generator, start_code)
    check_settings(settings)
    bounds = None if clip is None else clip.shaped(start_code.shape[1:])
    code = start_code.astype(np.float32)
    steps = []
    for i in range(settings.n_iters):
        size = settings.step_size(i)
        steps.append(advance(target, generator, unit, code, size, settings.regularizer, bounds, i))
        code = steps[-1].code
        if on_step is not None:
            on_step(i, steps[-1])
        if steps[-1].stop:
            break
    codes, activations = np.concatenate([step.code for step in steps]), np.array([step.activation for step in steps])
    return Trace(steps[-1].image, codes, activations, steps[-1].stop)


def advance(
    target: Net,
    generator: Net,
    unit: Unit,
    code: np.ndarray,
    step_size: float,
    regularizer: Regularizer,
    bounds: Bounds | None,
    step: int = 0,
) -> Step:
    """One step from `code` (1, *code_shape); the regularizer takes NumPy arrays."""
    image = _generate(generator, code)
    window = (..., *center_window(image.shape[2:], target.blobs[target.inputs[0]].data.shape[2:]))
    x0 = image[window].copy()
    activation, image_gradient = _read_unit(target, unit, x0)
    moved = image.copy()
    moved[window] = _climb(x0, image_gradient, step_size)
    code_gradient = _back_through(generator, moved - image)
    stop, context = _stop(activation, image_gradient, code_gradient), StepContext(step, code_gradient)
    if not stop:
        penalty = regularizer.penalty_gradient(code)
        if penalty is not None:
            # Normalization in the image has scaled the objective's gradient by this factor.
            code_gradient = code_gradient + penalty * (step_size / np.abs(image_gradient).mean())
        code = _climb(code, code_gradient, step_size)
    if bounds is not None:
        code = bounds.clip(code)
    return Step(x0, activation, regularizer.project(code, context), stop)


def _generate(generator: Net, code: np.ndarray) -> np.ndarray:
    """The generator's image (1, 3, H, W)."""
    return generator.forward(**{generator.inputs[0]: code})[generator.outputs[-1]].copy()


def _read_unit(target: Net, unit: Unit, image: np.ndarray) -> tuple[float, np.ndarray]:
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
    """`values` + step_size / mean |gradient| * gradient; `values` for a gradient of zero or NaN."""
    norm = _norm(gradient)
    if norm == 0 or np.isnan(norm):
        return values
    return values + np.float32(step_size / np.abs(gradient).mean()) * gradient


def _stop(activation: float, image_gradient: np.ndarray, code_gradient: np.ndarray) -> Stop:
    if _norm(image_gradient) != 0 and _norm(code_gradient) != 0:
        return Stop.NONE
    finite = np.isfinite(activation) and not np.isnan(image_gradient).any()
    return Stop.ZERO_GRADIENT if finite else Stop.NOT_FINITE


def _norm(gradient: np.ndarray) -> float:
    return float(np.linalg.norm(gradient))


def _check_code(generator: Net, code: np.ndarray) -> None:
    name = generator.inputs[0]
    wanted = generator.blobs[name].data.shape
    if tuple(code.shape) != tuple(wanted):
        raise DgnamError(
            f"the start code has shape {tuple(code.shape)}; the generator's '{name}' takes {tuple(wanted)}"
        )


def check_settings(settings: Settings) -> None:
    """Raise DgnamError for settings that the published loop lacks."""
    published = isinstance(settings.regularizer, L2Decay | NormPenalty) and settings.transform is None
    if not published or settings.update_rule != NormalizedStep():
        raise DgnamError(
            f"the published loop has its own update rule and L2Decay or NormPenalty, and the settings are "
            f"{settings.as_dict()}; use the batch loop, dgnam.am.synthesize"
        )
