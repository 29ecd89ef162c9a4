"""`python -m dgnam.caffe`: runs a script, a module or code like python itself, with `import caffe` available.

    python -m dgnam.caffe script.py ARGUMENTS…
    python -m dgnam.caffe -m module ARGUMENTS…
    python -m dgnam.caffe -c code ARGUMENTS…

`sys.argv`, `sys.path[0]`, `__main__`, tracebacks and exit codes equal those of `python script.py …`, `python -m` and
`python -c`.  The script may be a folder or a zip archive with a `__main__.py`, or `-` for standard input.  Caffe's log
goes to stderr, as with pycaffe.
"""

from __future__ import annotations

import builtins
import io
import os
import pkgutil
import runpy
import sys
from importlib.abc import FileLoader
from importlib.machinery import BuiltinImporter, SourceFileLoader, SourcelessFileLoader
from types import CodeType, ModuleType, TracebackType
from typing import Any, NoReturn

from ..glog import init_log
from .alias import install

USAGE = "usage: python -m dgnam.caffe [script.py | -m module | -c code | -] [argument …]"
BAD_USAGE = 2
"""Python's exit status for wrong usage or a script it can't open."""

_FOR_SPAWNED = os.path.join(os.path.dirname(__file__), "spawned")
"""The folder that makes `import caffe` work in spawned processes, which inherit only `sys.path`."""


def main(arguments: list[str]) -> None:
    """Run a command line; `arguments` excludes the launcher's own name."""
    first, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    if first in ("-h", "--help"):
        print(USAGE)
        return
    option, value = first[:2], first[2:]
    if option in ("-c", "-m"):
        if not value and not rest:
            _give_up(f"Argument expected for the {option} option\n{USAGE}")
        value, rest = (value, rest) if value else (rest[0], rest[1:])
    elif not first or (option.startswith("-") and first != "-"):
        _give_up(USAGE if not first else f"Unknown option: {first}\n{USAGE}")
    install()
    init_log()
    try:
        if option == "-c":
            _run_text(value, "<string>", ["-c", *rest])
        elif option == "-m":
            _run_module(value, ["-m", *rest])
        elif first == "-":
            _run_text(sys.stdin.read(), "<stdin>", ["-", *rest])
        else:
            _run_path(first, arguments)
    except SystemExit:
        raise
    except BaseException as error:
        error.with_traceback(_without_launcher(error.__traceback__))
        sys.excepthook(type(error), error, error.__traceback__)
        sys.excepthook = _print_nothing  # python still ends the process, with its own exit code
        raise


def _run_text(text: str, name: str, argv: list[str]) -> None:
    _start(argv, "")
    _execute(compile(text, name, "exec", dont_inherit=True), __loader__=BuiltinImporter)


def _run_module(name: str, argv: list[str]) -> None:
    """Run a module by the function behind python's own -m."""
    _start(argv, os.getcwd())
    runpy._run_module_as_main(name)  # type: ignore[attr-defined]


def _run_path(path: str, argv: list[str]) -> None:
    """Run a source or bytecode file, or a folder or archive, added to `sys.path` as by python."""
    file = os.path.join(os.getcwd(), path)
    if pkgutil.get_importer(file) is not None:
        _start(argv, file)
        runpy._run_module_as_main("__main__", alter_argv=False)  # type: ignore[attr-defined]
        return
    code, loader = _load(file)
    _start(argv, os.path.dirname(os.path.realpath(path)))
    _execute(code, __file__=file, __cached__=None, __loader__=loader("__main__", file))


def _load(file: str) -> tuple[CodeType, type[FileLoader]]:
    """Return the code of a file and the loader that python would name."""
    try:
        with io.open_code(file) as opened:
            compiled = pkgutil.read_code(opened)
            if compiled is not None:
                return compiled, SourcelessFileLoader
            opened.seek(0)
            source = opened.read()
    except OSError as error:
        _give_up(f"{sys.executable}: can't open file {file!r}: [Errno {error.errno}] {error.strerror}")
    return compile(source, file, "exec", dont_inherit=True), SourceFileLoader


def _start(argv: list[str], path0: str) -> None:
    """Set up `sys` and `__main__` as python does at startup."""
    sys.argv = argv
    if not (sys.flags.isolated or getattr(sys.flags, "safe_path", False)):
        sys.path[0] = path0
    sys.path.append(_FOR_SPAWNED)
    fresh = ModuleType("__main__")
    vars(fresh).update(__builtins__=builtins, __annotations__={})
    _kept.append(sys.modules["__main__"])
    sys.modules["__main__"] = fresh


def _execute(code: CodeType, **names: Any) -> None:
    space = vars(sys.modules["__main__"])
    space.update(names)
    exec(code, space)


def _without_launcher(trace: TracebackType | None) -> TracebackType | None:
    """Return the traceback without this file's frames."""
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    return trace


def _print_nothing(*_: Any) -> None:
    pass


def _give_up(reason: str) -> NoReturn:
    print(reason, file=sys.stderr)
    sys.exit(BAD_USAGE)


_kept: list[ModuleType] = []
"""The launcher's own `__main__`, kept alive as long as its frame."""
