"""Writes the table of layers in dgnam/caffe/README.md, from the registry and from a run of the tests.

    python -m tests.caffe.layer_table

An option counts as covered where a test that passed builds a layer with it.  The errors are those of the cases that
real Caffe recorded (`tests/golden/layers.h5` and `layer_modes.h5`), the worst of each layer type.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from collections.abc import Generator
from pathlib import Path

import h5py
import pytest

from dgnam.caffe.layer import Layer, layer_type_list
from dgnam.caffe.proto import parse_net, pb
from tests.caffe.golden import GOLDEN, ROOT, eager_errors

PAGE = ROOT / "dgnam" / "caffe" / "README.md"
BEGIN, END = "<!-- layers -->\n", "<!-- /layers -->\n"

PARAMETERS = {
    "ArgMax": ["argmax_param"],
    "Data": ["data_param", "transform_param"],
    "Deconvolution": ["convolution_param"],
    "HDF5Data": ["hdf5_data_param"],
    "HDF5Output": ["hdf5_output_param"],
    "Im2col": ["convolution_param"],
    "ImageData": ["image_data_param", "transform_param"],
    "InfogainLoss": ["infogain_loss_param", "loss_param"],
    "LSTM": ["recurrent_param"],
    "PReLU": ["prelu_param"],
    "RNN": ["recurrent_param"],
    "ReLU": ["relu_param"],
    "SigmoidCrossEntropyLoss": ["loss_param"],
    "SoftmaxWithLoss": ["softmax_param", "loss_param"],
    "TanH": ["tanh_param"],
    "WindowData": ["window_data_param", "transform_param"],
}
"""The parameter messages of the types whose own isn't named after them."""

WITHOUT_EFFECT = {"engine", "cudnn_flag", "sync", "prefetch", "share_in_parallel", "debug_info"}
"""Options that choose between implementations or threads of Caffe's."""

_MOVED = {"scale", "mean_file", "crop_size", "mirror"}
NOT_OF = {
    "Data": {f"data_param.{name}" for name in _MOVED},
    "ImageData": {
        *(f"image_data_param.{name}" for name in _MOVED),
        *("transform_param.force_color", "transform_param.force_gray"),
    },
    "WindowData": {
        *(f"window_data_param.{name}" for name in _MOVED - {"scale"}),  # its scale is still this one
        *("transform_param.scale", "transform_param.force_color", "transform_param.force_gray"),
    },
    "Im2col": {
        f"convolution_param.{name}" for name in ("num_output", "bias_term", "group", "weight_filler", "bias_filler")
    },
}
"""Fields that a type doesn't read: of a message that serves several types, or moved to transform_param long ago."""

Options = dict[str, set[str]]


class Recorder:
    """A pytest plugin that notes which options the layers have that passing tests build."""

    def __init__(self) -> None:
        self.covered: Options = defaultdict(set)
        self._of_test: list[tuple[str, set[str]]] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self) -> Generator[None, object, object]:
        plain = Layer.__init__

        def noting(layer: Layer, definition: pb.LayerParameter) -> None:
            plain(layer, definition)
            self._of_test.append((layer.type, options_given(definition)))

        self._of_test = []
        Layer.__init__ = noting  # type: ignore[method-assign]
        try:
            return (yield)
        finally:
            Layer.__init__ = plain  # type: ignore[method-assign]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and report.passed:
            for layer_type, options in self._of_test:
                self.covered[layer_type] |= options


def parameter_messages(layer_type: str) -> list[str]:
    """The names of the messages of LayerParameter that hold this type's options."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", layer_type).lower()
    named = [f"{snake}_param"] if f"{snake}_param" in pb.LayerParameter.DESCRIPTOR.fields_by_name else []
    return PARAMETERS.get(layer_type, named)


def options_given(definition: pb.LayerParameter) -> set[str]:
    """The options that a layer's definition sets, as `message.option`."""
    messages = [field.name for field in definition.DESCRIPTOR.fields if field.name.endswith("_param")]
    return {f"{name}.{option.name}" for name in messages for option, _ in getattr(definition, name).ListFields()}


def options_known(layer_type: str) -> list[str]:
    """All options of a type that change what it computes, in the order of the messages."""
    fields = pb.LayerParameter.DESCRIPTOR.fields_by_name
    return [
        f"{name}.{option.name}"
        for name in parameter_messages(layer_type)
        for option in fields[name].message_type.fields
        if option.name not in WITHOUT_EFFECT and f"{name}.{option.name}" not in NOT_OF.get(layer_type, set())
    ]


def covered_by_tests() -> Options:
    """Run the runtime's tests, which must pass."""
    recorder = Recorder()
    own = f"--ignore={Path(__file__).with_name('test_layer_table.py')}"
    if pytest.main(["-q", own, str(ROOT / "tests" / "caffe"), "-m", "not slow"], plugins=[recorder]) != 0:
        sys.exit("the tests fail; no table is written")
    return recorder.covered


def recorded_errors() -> dict[str, tuple[int, float, float | None]]:
    """For each type: how many recorded cases have it, and their worst forward and gradient errors."""
    found: dict[str, list[tuple[float, float | None]]] = defaultdict(list)
    for recorded in ("layers.h5", "layer_modes.h5"):
        with h5py.File(GOLDEN / recorded) as file:
            for case, group in file.items():
                errors = eager_errors(group)
                gradient = max(errors.gradient.values()) if errors.gradient else None
                forward = max(errors.forward.values(), default=0.0)
                for layer_type in {layer.type for layer in parse_net(group.attrs["prototxt"], case).layer} - {"Input"}:
                    found[layer_type].append((forward, gradient))
    return {layer_type: (len(rows), *_worst(rows)) for layer_type, rows in found.items()}


def _worst(rows: list[tuple[float, float | None]]) -> tuple[float, float | None]:
    gradients = [gradient for _, gradient in rows if gradient is not None]
    return max(forward for forward, _ in rows), max(gradients, default=None)


def table(covered: Options, errors: dict[str, tuple[int, float, float | None]]) -> str:
    """The table in Markdown."""
    lines = ["| layer | options covered | not covered | recorded cases | forward | gradient |"]
    lines.append("| --- | --- | --- | ---: | ---: | ---: |")
    for layer_type in layer_type_list():
        known = options_known(layer_type)
        tested = [option for option in known if option in covered.get(layer_type, set())]
        untested = [option for option in known if option not in tested]
        cases, forward, gradient = errors.get(layer_type, (0, None, None))
        cells = [_names(tested), _names(untested), str(cases), _number(forward), _number(gradient)]
        lines.append(f"| {layer_type} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _names(options: list[str]) -> str:
    return ", ".join(option.split(".")[1] for option in options)


def _number(value: float | None) -> str:
    return "" if value is None else "0" if value == 0 else f"{value:.0e}"


def put(page: str, text: str) -> str:
    """The page with `text` between the marks of the table."""
    before, rest = page.split(BEGIN)
    return before + BEGIN + text + END + rest.split(END)[1]


def main(page: Path = PAGE) -> None:
    """Run the tests and write the table anew."""
    text = table(covered_by_tests(), recorded_errors())
    page.write_text(put(page.read_text(encoding="utf-8"), text), encoding="utf-8")
    print(f"==> made: {page.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
