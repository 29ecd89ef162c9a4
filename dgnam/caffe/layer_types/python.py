"""Python layers: user code named by a prototxt.

    class Double(caffe.Layer):
        def setup(self, bottom, top): ...                          # once; param_str, phase and blobs are set
        def reshape(self, bottom, top): top[0].reshape(*bottom[0].shape)
        def forward(self, bottom, top): top[0].data[...] = 2 * bottom[0].data
        def backward(self, top, propagate_down, bottom): bottom[0].diff[...] = 2 * top[0].diff

Since such a prototxt runs arbitrary code, Python layers are disabled unless `allow_python_layers()` or the environment
variable DGNAM_ALLOW_PYTHON_LAYERS=1 allows them.
"""

from __future__ import annotations

import importlib
from abc import ABCMeta
from collections.abc import Sequence

from ...errors import CaffeError, closest
from ..blob import Blob, BlobVec, RawBlobVec
from ..layer import BlobLayer, Context, register
from ..mode import PYTHON_LAYERS_VARIABLE, python_layers_allowed
from ..proto import pb
from ..wiring.vectors import BoolVec


class PythonLayer(metaclass=ABCMeta):
    """Base class of Python layers: pycaffe's `caffe.Layer`.

    param_str: the prototxt's string, set before `setup`; also as `param_str_`, its older name.
    phase: TRAIN or TEST, set before `setup`.
    blobs: the learned blobs; `setup` appends to them by `blobs.add_blob(*shape)`.

    Bottoms and tops are lists of `Blob`s.  The layers of a net, of whatever type, count as instances.
    """

    type = "Python"
    param_str: str
    param_str_: str
    phase: int
    blobs: BlobVec

    def __new__(cls, *args: object, **kwargs: object) -> PythonLayer:
        layer = super().__new__(cls)
        layer.blobs = BlobVec()
        return layer

    def __init__(self, layer_param: pb.LayerParameter):
        """Called with the layer's definition, before `param_str` and `phase` are set."""
        return

    def setup(self, bottom: RawBlobVec, top: RawBlobVec) -> None:
        """Called once, before the first `reshape`."""
        raise self._lacks("setup")

    def reshape(self, bottom: RawBlobVec, top: RawBlobVec) -> None:
        """Called before each forward pass: reshape the tops."""
        raise self._lacks("reshape")

    def forward(self, bottom: RawBlobVec, top: RawBlobVec) -> None:
        """Write the tops' data."""
        raise self._lacks("forward")

    def backward(self, top: RawBlobVec, propagate_down: BoolVec, bottom: RawBlobVec) -> None:
        """Write the diffs of the bottoms flagged by `propagate_down`, and accumulate those of `blobs`."""
        raise self._lacks("backward")

    def _lacks(self, method: str) -> CaffeError:
        return CaffeError(f"Python layer class '{type(self).__name__}' has no method {method}")


@register("Python")
class Python(BlobLayer):
    """Runs the class `layer` of the Python module `module`, given in python_param.

    Exceptions of the user's code propagate unchanged.  As in Caffe, `backward` is called wherever a backward pass comes
    by, such as at a source of data under force_backward; where nothing needs a gradient, a class may do without.
    """

    bottoms = (0, None)
    tops = (0, None)

    def __init__(self, definition: pb.LayerParameter):
        super().__init__(definition)
        options = definition.python_param
        if not python_layers_allowed():
            raise self.fail(
                f"runs the Python code {options.module}.{options.layer}, but Python layers are disabled; if you trust "
                f"it, call caffe.allow_python_layers() or set the environment variable {PYTHON_LAYERS_VARIABLE}=1"
            )
        self.code = self._create()
        self.face = self.code
        self.code.param_str = self.code.param_str_ = options.param_str
        self.code.phase = definition.phase
        self.blobs = self.code.blobs
        self.observes = type(self.code).backward is not PythonLayer.backward

    def set_up(self, context: Context, bottoms: Sequence[Blob], tops: Sequence[Blob]) -> None:
        self.code.setup(RawBlobVec(bottoms), RawBlobVec(tops))
        self.blobs = self.code.blobs
        self.code.reshape(RawBlobVec(bottoms), RawBlobVec(tops))

    def reshape(self, bottoms: Sequence[Blob], tops: Sequence[Blob]) -> None:
        self.code.reshape(RawBlobVec(bottoms), RawBlobVec(tops))

    def forward_blobs(self, context: Context, bottoms: Sequence[Blob], tops: Sequence[Blob]) -> None:
        self.code.forward(RawBlobVec(bottoms), RawBlobVec(tops))

    def backward_blobs(
        self, context: Context, tops: Sequence[Blob], needs: Sequence[bool], bottoms: Sequence[Blob]
    ) -> None:
        self.code.backward(RawBlobVec(tops), BoolVec(needs), RawBlobVec(bottoms))

    def _create(self) -> PythonLayer:
        module_name, class_name = self.definition.python_param.module, self.definition.python_param.layer
        try:
            module = importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            hint = "call dgnam.caffe.install() first" if error.name == "caffe" else "is its folder on PYTHONPATH?"
            raise self.fail(f"there is no Python module '{error.name}' ({hint})") from error
        except ValueError:
            raise self.fail("needs module and layer, its class, in python_param") from None
        made = getattr(module, class_name, None)
        if not (isinstance(made, type) and issubclass(made, PythonLayer)):
            classes = [n for n, c in vars(module).items() if isinstance(c, type) and issubclass(c, PythonLayer)]
            raise self.fail(
                f"module '{module_name}' has no class '{class_name}' that derives from caffe.Layer; "
                f"it has {closest(class_name, classes) or 'none'}"
            )
        return made(self.definition)
