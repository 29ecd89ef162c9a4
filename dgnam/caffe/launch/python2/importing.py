"""Translated modules: compiling, running and importing Python 2.

Modules that are found on `sys.path`, as it is then, are translated when they are imported, by translated code or by any
other, but for those of the standard library, of installed packages and of this one; nothing is written beside them.
Within a package, an import looks there first.
"""

from __future__ import annotations
import __future__

import ast
import builtins
import functools
import importlib.util
import os
import site
import sys
import sysconfig
import tokenize
import warnings
from collections.abc import Iterable, Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from io import BytesIO
from pathlib import Path
from types import CodeType, ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from ....errors import DgnamError
from ..alias import ALIAS
from . import extensions, modules, runtime
from .exec_names import NAMES as NAMES_OF_EXEC
from .names import NAMES
from .source import RUNTIME, to_python3
from .tree import newer, rewrite

_PACKAGES = ("site-packages", "dist-packages")
_OURS = Path(__file__).parents[3]


def translated(source: str | bytes, file: str, mode: str = "exec", true_division: bool = False) -> CodeType:
    """Compile Python 2; SyntaxError shows the line as it is in the file.

    mode: "exec", "eval" or "single".
    """
    text = _text(source, file)
    python3, targets = to_python3(text.strip(" \t") if mode == "eval" else text, file)
    try:
        with warnings.catch_warnings():
            for kind in (SyntaxWarning, DeprecationWarning):
                warnings.simplefilter("ignore", kind)
            parsed = ast.parse(python3, file, "exec")
            found = newer(parsed)
            if found is not None:
                raise SyntaxError(f"{found[1]}: this is Python 3", (file, getattr(found[0], "lineno", 1), None, ""))
            rewritten: Any = rewrite(parsed, targets, true_division)
            if mode == "eval":
                rewritten = ast.Expression(_expression(rewritten, file))
            elif mode == "single":
                rewritten = ast.Interactive(rewritten.body)
            code: CodeType = compile(rewritten, file, mode, dont_inherit=True)
            return code
    except SyntaxError as error:
        lines = text.splitlines()
        shown = lines[error.lineno - 1] if error.lineno and error.lineno <= len(lines) else ""
        raise SyntaxError(error.msg, (file, error.lineno, None, shown)) from None


def _expression(module: ast.Module, file: str) -> ast.expr:
    if len(module.body) != 1 or not isinstance(module.body[0], ast.Expr):
        raise SyntaxError("eval takes one expression", (file, 1, None, ""))
    return module.body[0].value


def _text(source: str | bytes, file: str) -> str:
    """The text of a module, by the encoding that it names, UTF-8 without one; its lines end with line feeds."""
    if isinstance(source, bytes):
        try:
            encoding, _ = tokenize.detect_encoding(BytesIO(source).readline)
            source = source.decode(encoding)
        except (SyntaxError, UnicodeDecodeError, LookupError) as error:
            raise SyntaxError(f"the text's encoding: {error}", (file, 1, None, "")) from None
    return source.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def check() -> None:
    """Raise MissingPackageError if the package that reads Python 2 is not installed, or can't be used."""
    try:
        to_python3("", "")
    except OSError as error:
        raise DgnamError(
            f"--python2: fissix keeps its grammar in the cache folder, which can't be written ({error}); "
            "set XDG_CACHE_HOME to a folder that can"
        ) from None


def start(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """Translate modules from now on; returns the builtins that the scripts of `folder` run with.

    What `sys.path` has now counts as installed, but for `folder` and PYTHONPATH.

    Arrays and NumPy's scalars are shown as NumPy showed them then.
    """
    np.set_printoptions(legacy="1.13")
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)
    _finder.start(Path(folder).resolve())
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="surrogateescape")
    return BUILTINS


def stop() -> None:
    """Undo `start`, but for errors of the standard streams."""
    np.set_printoptions(legacy=False)
    if _finder in sys.meta_path:
        sys.meta_path.remove(_finder)
    _finder.folders.clear()
    _finder.installed.clear()


class _Finder(MetaPathFinder):
    """Finds modules of Python 2: those that are not installed.

    folders: those of scripts, and of PYTHONPATH.
    installed: folders, outside of those, that the interpreter's own configuration put on `sys.path`.
    """

    def __init__(self) -> None:
        self.folders: set[Path] = set()
        self.installed: set[Path] = set()

    def start(self, folder: Path) -> None:
        given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
        self.folders |= {folder, *(Path(one).resolve() for one in given if one)}
        self.installed |= {Path(one).resolve() for one in sys.path if one} - self.folders

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        served = not self.folders or fullname.partition(".")[0] in (ALIAS, _OURS.name)
        spec = None if served else PathFinder.find_spec(fullname, path, target)
        if spec is None or not isinstance(spec.loader, SourceFileLoader) or not self.holds(spec.loader.path):
            return None
        spec.loader = _Loader(fullname, spec.loader.path)
        return spec

    def holds(self, path: str) -> bool:
        """Whether a file is a module of Python 2."""
        file = Path(path).resolve()
        if not path or any(part in _PACKAGES for part in file.parts) or _within(file, _INSTALLED):
            return False
        if any(_is_library(one) for one in sys.path if one and file.is_relative_to(Path(one).resolve())):
            return False
        return _within(file, self.folders) or not _within(file, self.installed)


@functools.cache
def _is_library(folder: str) -> bool:
    """Whether packages were installed into a folder: by `pip install --target`, for instance."""
    return any(Path(folder).glob("*.dist-info"))


def _within(file: Path, folders: Iterable[Path]) -> bool:
    return any(file.is_relative_to(folder) for folder in folders)


class _Loader(SourceFileLoader):
    """Runs a translated module, from its text: no bytecode is read or written."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        return translated(self.get_data(path), path)

    def exec_module(self, module: ModuleType) -> None:
        module.__dict__["__builtins__"] = BUILTINS
        super().exec_module(module)


def load(name: str, path: str) -> ModuleType:
    """Run a file as the module `name`."""
    loader: Loader = _Loader(name, path)
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    loader.exec_module(module)
    return module


def import_module(
    name: str, globals: Mapping[str, Any] | None = None, locals: Any = None, fromlist: Any = (), level: int = 0
) -> Any:
    """`__import__` of translated code."""
    if level == 0 and (package := _package(globals)) and _absolute(globals) is None:
        beside = f"{package}.{name.partition('.')[0]}"
        if _is_found(beside):
            found = importlib.import_module(f"{package}.{name}")
            _from(found, fromlist)
            return found if fromlist else sys.modules[beside]
    if level == 0 and not _own(name.partition(".")[0]):
        old = _old(name, fromlist)
        if old is not None:
            return old
    try:
        found = builtins.__import__(name, globals, locals, fromlist or (), level)
    except ImportError as error:
        told = extensions.explained(error, _package(globals))
        if told is error:
            raise
        raise told from None
    return modules.served(found.__name__) or found if isinstance(found, ModuleType) else found


def _old(name: str, fromlist: Any) -> ModuleType | None:
    """A module as it was in Python 2's time; None for one that is still as it was."""
    top = name.partition(".")[0]
    without = modules.WITHOUT.get(name)
    if without is not None and importlib.util.find_spec(top) is None:
        return without() if fromlist else modules.WITHOUT[top]()
    served = modules.served(name)
    if served is None:
        return None
    if fromlist or "." not in name:
        for one in fromlist or ():
            if isinstance(one, str) and hasattr(served, "__path__") and not hasattr(served, one):
                _from(served, (one,))
        return served
    return modules.served(top) or importlib.import_module(top)


def _from(module: ModuleType, fromlist: Any) -> None:
    """Import the modules of a package that are named after `from … import`."""
    for one in fromlist or ():
        if one != "*" and hasattr(module, "__path__") and not hasattr(module, one):
            name = f"{module.__name__}.{one}"
            if modules.served(name) is None and importlib.util.find_spec(name) is not None:
                importlib.import_module(name)


def _own(top: str) -> bool:
    """Whether a name is that of a module of Python 2, which goes before others; loads it if needed."""
    module = sys.modules.get(top)
    if module is not None and _finder.folders and _finder.holds(getattr(module, "__file__", None) or ""):
        return True
    spec = _finder.find_spec(top)
    if spec is None or spec.origin is None:
        return False
    if module is not None and top not in sys.builtin_module_names:
        del sys.modules[top]  # another of that name, which whoever has imported it keeps
    return True


def _is_found(name: str) -> bool:
    try:
        return name in sys.modules or importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _package(names: Mapping[str, Any] | None) -> str:
    """The package that code belongs to, by its globals."""
    return "" if names is None else str(names.get("__package__") or "")


def _absolute(names: Mapping[str, Any] | None) -> Any:
    """Whether the code says `from __future__ import absolute_import`; None if not."""
    feature = __future__.absolute_import
    return None if names is None or names.get("absolute_import") is not feature else feature


def _divides_truly(names: Mapping[str, Any]) -> bool:
    return names.get("division") is __future__.division


def execute(code: Any, names: Any = None, local: Any = None) -> None:
    """`exec code in names, local`, and `exec(code, names, local)`; by default the caller's names."""
    if isinstance(code, tuple) and len(code) in (2, 3):
        code, names, local = (*code, None)[:3]
    caller = sys._getframe(1)
    local = (caller.f_locals if names is None else names) if local is None else local
    names = caller.f_globals if names is None else names
    names.setdefault("__builtins__", BUILTINS)
    builtins.exec(_code(code, "exec", names), names, local)


def execute_here(code: Any) -> dict[str, Any]:
    """`exec code` in a function; returns the function's names, with those that earlier ones made."""
    if isinstance(code, tuple):
        names, local = code[1], code[-1]
        execute(code[0], names, local)
        return {}
    caller = sys._getframe(1)
    made = caller.f_locals.get(NAMES_OF_EXEC, {})
    local = {**made, **{name: value for name, value in caller.f_locals.items() if name != NAMES_OF_EXEC}}
    builtins.exec(_code(code, "exec", caller.f_globals), caller.f_globals, local)
    return local


def evaluate(code: Any, names: Any = None, local: Any = None) -> Any:
    """`eval`."""
    caller = sys._getframe(1)
    local = (caller.f_locals if names is None else names) if local is None else local
    names = caller.f_globals if names is None else names
    names.setdefault("__builtins__", BUILTINS)
    return builtins.eval(_code(code, "eval", names), names, local)


def execute_file(path: str, names: Any = None, local: Any = None) -> None:
    """`execfile`."""
    caller = sys._getframe(1)
    local = (caller.f_locals if names is None else names) if local is None else local
    names = caller.f_globals if names is None else names
    names.setdefault("__builtins__", BUILTINS)
    with builtins.open(path, "rb") as file:
        code = translated(file.read(), path)
    builtins.exec(code, names, local)


def _code(code: Any, mode: str, names: Mapping[str, Any]) -> Any:
    if hasattr(code, "read"):
        code = code.read()
    return translated(code, "<string>", mode, _divides_truly(names)) if isinstance(code, str | bytes) else code


def compile_text(source: Any, filename: str, mode: str, *_: Any, **__: Any) -> Any:
    """`compile`."""
    return translated(source, filename, mode) if isinstance(source, str | bytes) else compile(source, filename, mode)


def ask(prompt: str = "") -> Any:
    """`input`, which evaluates what is typed."""
    caller = sys._getframe(1)
    typed = builtins.input(prompt)
    return builtins.eval(translated(typed, "<stdin>", "eval"), caller.f_globals, caller.f_locals)


_INSTALLED = tuple(
    Path(place).resolve()
    for place in {
        *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
        *(site.getsitepackages() if hasattr(site, "getsitepackages") else ()),
        str(_OURS),
    }
    if place
)
"""Folders whose modules are Python 3 wherever they lie."""

_finder = _Finder()

BUILTINS: dict[str, Any] = {
    **vars(builtins),
    **NAMES,
    RUNTIME: SimpleNamespace(**vars(runtime), execute=execute, execute_here=execute_here),
    "__import__": import_module,
    "compile": compile_text,
    "eval": evaluate,
    "exec": execute,
    "execfile": execute_file,
    "input": ask,
}
"""The names that translated code finds everywhere."""
