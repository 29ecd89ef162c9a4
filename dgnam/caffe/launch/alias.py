"""`import caffe` for unmodified scripts: this package under pycaffe's name.

After `install()`, `caffe` and `caffe.<module>` are the modules of `dgnam.caffe` themselves, not copies: classes and
global state, such as the mode, are the same under both names.  Pickles naming `caffe.io.Transformer` load as well.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

from ...errors import CaffeError

ALIAS = "caffe"
OURS = __name__.rpartition(".launch.")[0]


def install() -> None:
    """Make `import caffe` and imports of its submodules return this package; idempotent.

    Raises CaffeError if another `caffe` is already imported.
    """
    other = next((name for name in _aliases() if sys.modules[name] is not sys.modules.get(_ours(name))), None)
    if other is not None:
        place = getattr(sys.modules[other], "__file__", None)
        raise CaffeError(
            f"can't install dgnam.caffe as '{ALIAS}': another '{other}' is already imported"
            f"{'' if place is None else f', from {place}'}; call install() before that, in a new process"
        )
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)
    sys.modules[ALIAS] = sys.modules[OURS]


def uninstall() -> None:
    """Undo `install`: the next `import caffe` searches for another package.  Imported names are unaffected."""
    if _finder in sys.meta_path:
        sys.meta_path.remove(_finder)
        for name in _aliases():
            del sys.modules[name]


@contextmanager
def installed() -> Iterator[None]:
    """`install` for the time of the block, unless `caffe` is imported already."""
    if ALIAS in sys.modules or _finder in sys.meta_path:
        yield
        return
    install()
    try:
        yield
    finally:
        uninstall()


class _Finder(MetaPathFinder):
    """Resolves `caffe.<module>` to `dgnam.caffe.<module>`."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not _is_alias(fullname) or importlib.util.find_spec(_ours(fullname)) is None:
            return None
        return ModuleSpec(fullname, _Loader())


class _Loader(Loader):
    """Returns the existing module, with its own name and spec."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module(_ours(spec.name))
        self._spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._spec  # the import system has replaced it by the alias's


def _is_alias(name: str) -> bool:
    return name == ALIAS or name.startswith(f"{ALIAS}.")


def _ours(name: str) -> str:
    """Return the module's own name: dgnam.caffe.io for caffe.io."""
    return OURS + name.removeprefix(ALIAS)


def _aliases() -> list[str]:
    """Return the names of modules imported as `caffe` or `caffe.<module>`."""
    return [name for name, module in list(sys.modules.items()) if _is_alias(name) and module is not None]


_finder = _Finder()
