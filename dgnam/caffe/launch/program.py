"""`python -m dgnam.caffe`: runs a script, a module or code like python itself, with `import caffe` available.

    python -m dgnam.caffe script.py ARGUMENTS…
    python -m dgnam.caffe -m module ARGUMENTS…
    python -m dgnam.caffe -c code ARGUMENTS…

With --python2 before these, the script and the modules in its folder are Python 2, and translated (python2/).  With
--python2 --shell, a shell script runs whose `python` is this launcher (python2/shell.py).

`sys.argv`, `sys.path[0]`, `__main__`, tracebacks and exit codes equal those of `python script.py …`, `python -m` and
`python -c`.  The script may be a folder or a zip archive with a `__main__.py`, or `-` for standard input.  Caffe's log
goes to stderr, as with pycaffe.
"""

from __future__ import annotations

import builtins
import importlib
import io
import os
import pkgutil
import re
import runpy
import sys
from collections.abc import Callable
from importlib.abc import FileLoader
from importlib.machinery import BuiltinImporter, SourceFileLoader, SourcelessFileLoader
from types import CodeType, ModuleType, TracebackType
from typing import Any, NamedTuple, NoReturn

from ...errors import DgnamError
from ..glog import init_log
from .alias import install

USAGE = """usage: python -m dgnam.caffe [--python2] [script.py | -m module | -c code | -] [argument …]
       python -m dgnam.caffe --python2 --shell script.sh [argument …]"""
BAD_USAGE = 2
"""Python's exit status for wrong usage or a script it can't open."""

_PYTHON2 = os.path.join(os.path.dirname(__file__), "python2", "")
_HIDDEN = (_PYTHON2, "<frozen importlib", importlib.__file__)
"""How the names of files begin whose frames a traceback of Python 2 doesn't show."""
_FOR_SPAWNED = os.path.join(os.path.dirname(__file__), "spawned")
"""The folder that makes `import caffe` work in spawned processes, which inherit only `sys.path`."""


def main(arguments: list[str]) -> None:
    """Run a command line; `arguments` excludes the launcher's own name."""
    python2 = arguments[:1] == ["--python2"]
    if python2:
        _ignore_deprecations()
        arguments = _without_options(arguments[1:])
    first, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    if first in ("-h", "--help"):
        print(USAGE)
        return
    if python2 and first == "--shell":
        _run_shell(rest)
    option, value = first[:2], first[2:]
    if option in ("-c", "-m"):
        if not value and not rest:
            _give_up(f"Argument expected for the {option} option\n{USAGE}")
        value, rest = (value, rest) if value else (rest[0], rest[1:])
    elif not first or (option.startswith("-") and first != "-"):
        _give_up(USAGE if not first else f"Unknown option: {first}\n{USAGE}")
    install()
    init_log()
    language = _python2() if python2 else _PYTHON3
    try:
        if option == "-c":
            _run_text(value, "<string>", ["-c", *rest], language)
        elif option == "-m":
            _run_module(value, ["-m", *rest], language)
        elif first == "-":
            _run_text(sys.stdin.read(), "<stdin>", ["-", *rest], language)
        else:
            _run_path(first, arguments, language)
        language.end()
    except SystemExit:
        language.end()
        raise
    except BaseException as error:
        language.end()
        _strip(error, _HIDDEN if python2 else ())
        sys.excepthook(type(error), error, error.__traceback__)
        sys.excepthook = _print_nothing  # python still ends the process, with its own exit code
        raise


def _ignore_deprecations() -> None:
    """Show no warnings of what is deprecated, as Python 2.7; `-W` may ask for them."""
    import warnings

    for kind in ("DeprecationWarning", "PendingDeprecationWarning"):
        sys.warnoptions.append(f"ignore::{kind}")
    warnings._processoptions(sys.warnoptions[-2:])  # type: ignore[attr-defined]


def _without_options(arguments: list[str]) -> list[str]:
    """The arguments after Python 2's own options, which take effect; without any and with a pipe, `-`.

    -u, -B and -W have one here; -V ends the process.
    """
    rest = list(arguments)
    while rest and re.fullmatch(_OPTIONS, rest[0]):
        letters = rest.pop(0)[1:]
        for place, letter in enumerate(letters):
            if letter in _WITH_VALUE:
                value = letters[place + 1 :] or (rest.pop(0) if rest else "")
                if not value:
                    _give_up(f"Argument expected for the -{letter} option\n{USAGE}")
                _set_option(letter, value)
                break
            if letter in "cm":
                rest.insert(0, f"-{letters[place:]}")
                return rest
            _set_option(letter, "")
    if rest == ["--version"]:
        _set_option("V", "")
    return rest or ([] if sys.stdin is None or sys.stdin.isatty() else ["-"])


_WITH_VALUE = "WQ"
_OPTIONS = r"-[3BdEORsStuvV]*([WQ].*|[3BdEORsStuvV]|(?<=.)[cm].*)"
"""Options of Python 2, and those that code or a module's name follows."""


def _set_option(letter: str, value: str) -> None:
    if letter == "V":
        print(f"Python 2.7, translated for Python {sys.version.split()[0]}", file=sys.stderr)
        sys.exit()
    elif letter == "u":
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(write_through=True)
    elif letter == "B":
        sys.dont_write_bytecode = True
    elif letter == "W":
        import warnings

        warnings._processoptions([value])  # type: ignore[attr-defined]


class _Language(NamedTuple):
    """How scripts are run.

    compile: the code of a text and its file's name.
    start: called with the script's folder; returns the builtins.
    end: called when the script has ended.
    python2: the script is Python 2.
    """

    compile: Callable[[str | bytes, str], CodeType]
    start: Callable[[str], Any]
    end: Callable[[], None]
    python2: bool


_PYTHON3 = _Language(
    lambda source, file: compile(source, file, "exec", dont_inherit=True),
    lambda folder: builtins,
    lambda: None,
    False,
)


def _python2() -> _Language:
    """Python 2, translated, as Caffe's scripts were; ends the process with the reason if that needs a package."""
    from .. import mode

    mode.let_cpu_stand_in()
    try:
        from .python2 import importing, runtime

        importing.check()
    except DgnamError as error:
        _give_up(str(error))
    return _Language(importing.translated, importing.start, runtime.flush_line, True)


def _run_shell(arguments: list[str]) -> NoReturn:
    from .python2 import shell

    if not arguments:
        _give_up(f"Argument expected for the --shell option\n{USAGE}")
    try:
        sys.exit(shell.run(arguments))
    except DgnamError as error:
        _give_up(str(error))


def _run_text(text: str, name: str, argv: list[str], language: _Language) -> None:
    _start(argv, "", language)
    _execute(language.compile(text, name), __loader__=BuiltinImporter)


def _run_module(name: str, argv: list[str], language: _Language) -> None:
    """Run a module by the function behind python's own -m."""
    _start(argv, os.getcwd(), language)
    runpy._run_module_as_main(name)  # type: ignore[attr-defined]


def _run_path(path: str, argv: list[str], language: _Language) -> None:
    """Run a source or bytecode file, or a folder or archive, added to `sys.path` as by python."""
    file = os.path.join(os.getcwd(), path)
    if pkgutil.get_importer(file) is not None:
        if language.python2 and not os.path.isdir(file):
            _give_up(f"--python2 runs a script, a folder, a module or code, and {path!r} is an archive: unpack it")
        _start(argv, file, language)
        runpy._run_module_as_main("__main__", alter_argv=False)  # type: ignore[attr-defined]
        return
    code, loader = _load(file, path if language.python2 else file, language)
    _start(argv, os.path.dirname(os.path.realpath(path)), language)
    shown = path if language.python2 else file  # Python 2 keeps the path as it was given
    _execute(code, __file__=shown, __cached__=None, __loader__=loader("__main__", file))


def _load(file: str, shown: str, language: _Language) -> tuple[CodeType, type[FileLoader]]:
    """Return the code of a file, under the name `shown`, and the loader that python would name."""
    try:
        with io.open_code(file) as opened:
            compiled = None if language.python2 else pkgutil.read_code(opened)
            if compiled is not None:
                return compiled, SourcelessFileLoader
            opened.seek(0)
            source = opened.read()
    except OSError as error:
        _give_up(f"{sys.executable}: can't open file {file!r}: [Errno {error.errno}] {error.strerror}")
    return language.compile(source, shown), SourceFileLoader


def _start(argv: list[str], path0: str, language: _Language) -> None:
    """Set up `sys` and `__main__` as python does at startup."""
    sys.argv = argv
    if not (sys.flags.isolated or getattr(sys.flags, "safe_path", False)):
        sys.path[0] = path0
    sys.path.append(_FOR_SPAWNED)
    fresh = ModuleType("__main__")
    vars(fresh).update(__builtins__=language.start(path0 or os.getcwd()), __annotations__={})
    _kept.append(sys.modules["__main__"])
    sys.modules["__main__"] = fresh


def _execute(code: CodeType, **names: Any) -> None:
    space = vars(sys.modules["__main__"])
    space.update(names)
    exec(code, space)


def _strip(error: BaseException, hidden: tuple[str, ...]) -> None:
    """Take the launcher's frames, and those of `hidden` files, out of the tracebacks of an error and of its causes."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            one.with_traceback(_without_launcher(one.__traceback__, hidden))
            waiting += [one.__cause__, one.__context__]


def _without_launcher(trace: TracebackType | None, hidden: tuple[str, ...]) -> TracebackType | None:
    """Return the traceback without the frames of this file, and of those whose names begin as one of `hidden`."""
    shown = []
    while trace is not None:
        if not trace.tb_frame.f_code.co_filename.startswith((__file__, *hidden)):
            shown.append(trace)
        trace = trace.tb_next
    rest: TracebackType | None = None
    for one in reversed(shown):
        rest = TracebackType(rest, one.tb_frame, one.tb_lasti, one.tb_lineno)
    return rest


def _print_nothing(*_: Any) -> None:
    pass


def _give_up(reason: str) -> NoReturn:
    print(reason, file=sys.stderr)
    sys.exit(BAD_USAGE)


_kept: list[ModuleType] = []
"""The launcher's own `__main__`, kept alive as long as its frame."""
