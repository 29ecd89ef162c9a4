"""Build the API reference from the docstrings with pdoc: `make docs`, or `python -m tests.reference FOLDER [MODULE …]`.

A warning of pdoc, such as a name of `__all__` without an object, is an error.
"""

from __future__ import annotations

import pkgutil
import sys
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import pdoc

import dgnam
import dgnam.experiments
import dgnam.zoo

PASSED_OVER = ("dgnam.caffe.proto.dgnam_caffe_pb2", "dgnam.caffe.launch.spawned", "dgnam.models", "dgnam.prototxt")
"""Generated code, what an old script imports as `caffe`, and folders of data."""


def build(folder: Path, modules: Sequence[str] = ()) -> None:
    """Write a page for each of `modules`, by default for all of dgnam and its experiments, into `folder`."""
    for lazy in (dgnam, dgnam.zoo):  # pdoc sees no module's __getattr__
        for name in lazy.__all__:
            setattr(lazy, name, getattr(lazy, name))
    pdoc.render.configure(docformat="markdown", footer_text=f"dgnam {dgnam.__version__}")
    without = [f"!{name}" for name in PASSED_OVER]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings(
            "ignore", r"Error parsing type annotation .*(DictWriter|array)\["
        )  # generic from 3.12 on
        # Of a NamedTuple's __init__, which has not the module's names.
        warnings.filterwarnings("ignore", r"Error parsing type annotation ForwardRef\(.*\.__init__\. Import of")
        pdoc.pdoc(*(modules or public_modules()), *without, output_directory=folder)


def public_modules() -> list[str]:
    """All modules for readers, but for those that pdoc adds with their package."""
    specs, covered = list[str](), set[str]()
    for package, file in (("dgnam", dgnam.__file__), ("dgnam.experiments", dgnam.experiments.__file__)):
        for name in (package, *_walk(package, Path(str(file)).parent)):
            if name not in covered:
                specs.append(name)
                covered.update(pdoc.extract.walk_specs([name]))
    return specs


def _walk(package: str, folder: Path) -> Iterator[str]:
    for found in pkgutil.iter_modules([str(folder)], f"{package}."):
        stem = found.name.rpartition(".")[2]
        if not stem.startswith("_") and found.name not in PASSED_OVER:
            yield found.name
            if found.ispkg:
                yield from _walk(found.name, folder / stem)


if __name__ == "__main__":
    build(Path(sys.argv[1]), sys.argv[2:])
    print(f"==> made: {sys.argv[1]}/index.html")
