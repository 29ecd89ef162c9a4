"""SciPy as it was."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

import numpy as np

from .overlay import Made, Overlays


def _scipy() -> dict[str, Any]:
    """All names of NumPy were SciPy's too."""
    import scipy

    from .. import scipy_misc
    from . import served

    numpy: Any = served("numpy")
    own = dir(scipy)  # names its modules without importing them
    found = {name: getattr(numpy, name) for name in numpy.__all__ if name not in own}
    return {
        **found,
        "fft": np.fft.fft,
        "ifft": np.fft.ifft,
        "misc": scipy_misc,
        "rand": np.random.rand,
        "randn": np.random.randn,
    }


def _misc() -> ModuleType:
    from .. import scipy_misc

    return scipy_misc


def _integrate() -> dict[str, Any]:
    from scipy import integrate

    def simps(y: Any, x: Any = None, dx: float = 1, axis: int = -1, even: str = "avg") -> Any:
        return integrate.simpson(y, x=x, dx=dx, axis=axis)

    return {"simps": simps, "trapz": integrate.trapezoid, "cumtrapz": integrate.cumulative_trapezoid}


def _linalg() -> dict[str, Any]:
    from scipy import linalg

    return {"pinv2": linalg.pinv}


def _interpolation() -> dict[str, Any]:
    """`zoom`, whose sizes round halves up."""
    from scipy import ndimage

    def zoom(input: Any, zoom: Any, *given: Any, **named: Any) -> Any:
        sides = np.shape(input)
        factors = np.broadcast_to(zoom, len(sides))
        wanted = [math.floor(side * factor + 0.5) for side, factor in zip(sides, factors, strict=True)]
        exact = [size / side for size, side in zip(wanted, sides, strict=True)] if all(sides) else zoom
        return ndimage.zoom(input, exact, *given, **named)

    return {"zoom": zoom}


def _ndimage() -> dict[str, Any]:
    from .. import scipy_misc

    return {"imread": scipy_misc.imread, **_interpolation()}


def _signal() -> dict[str, Any]:
    """The windows, which have a module of their own."""
    from scipy.signal import windows

    return {name: getattr(windows, name) for name in windows.__all__}


def _stats() -> dict[str, Any]:
    from scipy import stats

    def mode(a: Any, axis: Any = 0, **named: Any) -> Any:
        return stats.mode(a, axis, keepdims=True, **named)

    return {"mode": mode, "nanmean": np.nanmean, "nanmedian": np.nanmedian, "nanstd": np.nanstd}


OVERLAYS: Overlays = {
    "scipy": _scipy,
    "scipy.integrate": _integrate,
    "scipy.linalg": _linalg,
    "scipy.ndimage": _ndimage,
    "scipy.ndimage.interpolation": _interpolation,
    "scipy.signal": _signal,
    "scipy.stats": _stats,
}

MADE: Made = {"scipy.misc": _misc, "scipy.misc.pilutil": _misc}
