"""Reading prototxt, the text format of nets and solvers, with errors naming line, field and valid choices."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, TypeVar

from google.protobuf import text_format
from google.protobuf.message import Message

from ...errors import CaffeFormatError, closest, shortened
from ...files.paths import StrPath, existing_file, foreign_format
from . import dgnam_caffe_pb2 as pb
from . import upgrade
from .forks import about_option, about_type

_MAX_BYTES = 8 << 20
"""Far more than the largest published definition (under 1 MB); parsing takes seconds per megabyte."""

_LONGEST_REASON = 300

_UNKNOWN_FIELD = re.compile(r'Message type "([\w.]+)" has no field named "([^"]*)"')
_UNKNOWN_VALUE = re.compile(r'Enum type "([\w.]+)" has no value (?:named|with number) (.+)\.$')
_REPEATED = re.compile(r'Message type "([\w.]+)" should not have multiple "(\w+)" fields')
_FIELD_BEFORE = re.compile(r"(\w+)\s*:[^:{}]*$")
_QUOTED_OR_COMMENT = re.compile(rb"""#[^\n]*|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?""")
"""A string is matched without its last quote too, which keeps the search linear."""
_NESTING = re.compile(
    r"""\#.*|(?P<open>(?:\b(?P<block>\w+)\s*(?::\s*)?)?[{<])|(?P<close>[}>])
    |\b(?P<field>name|type)\s*:\s*(?P<value>"[^"\n]*"|'[^'\n]*'|\w+)|"[^"\n]*"|'[^'\n]*'""",
    re.VERBOSE,
)

M = TypeVar("M", bound=Message)


def parse_net(text: str, source: str = "<text>") -> pb.NetParameter:
    """Parse a net, upgraded to the current format: `layer` only, inputs as Input layers.

    source: the name of the text in errors.
    """
    return upgrade.upgrade_net(parse(text, pb.NetParameter, source), source)


def read_net(path: StrPath) -> pb.NetParameter:
    """Read a net's prototxt, upgraded to the current format."""
    return parse_net(_read_text(path), str(path))


def parse_solver(text: str, source: str = "<text>") -> pb.SolverParameter:
    """Parse a solver, with its type as a string and its nets upgraded."""
    return upgrade.upgrade_solver(parse(text, pb.SolverParameter, source), source)


def read_solver(path: StrPath, *, prefix: bool = True) -> pb.SolverParameter:
    """Read a solver's prototxt, with Caffe's default of the snapshot prefix.

    The default `snapshot_prefix` is the file's path without its extension; the file's stem is appended to a prefix that
    is a folder.

    prefix: whether to fill in the prefix; False keeps the file's.
    """
    solver = parse_solver(_read_text(path), str(path))
    if not prefix:
        return solver
    if not solver.HasField("snapshot_prefix"):
        solver.snapshot_prefix = str(Path(path).with_suffix(""))
    elif os.path.isdir(solver.snapshot_prefix):
        solver.snapshot_prefix = str(Path(solver.snapshot_prefix) / Path(path).stem)
    return solver


def to_text(message: Message) -> str:
    """Format a message as prototxt."""
    return text_format.MessageToString(message, as_utf8=True)


def parse(text: str, kind: type[M], source: str = "<text>") -> M:
    """Parse a message of type `kind` without upgrading; raises CaffeFormatError naming line and field."""
    if len(text) > _MAX_BYTES:
        raise CaffeFormatError(f"{source}: {len(text)} characters exceed the limit of a prototxt, {_MAX_BYTES}")
    message: Any = kind()
    try:
        text_format.Parse(text, message)
    except text_format.ParseError as error:
        raise _explained(error, text, source) from None
    except (ValueError, TypeError, RecursionError) as error:
        raise CaffeFormatError(f"{source}: {error}") from None
    missing = message.FindInitializationErrors()
    if missing:
        raise CaffeFormatError(f"{source}: missing required fields: {', '.join(missing)}")
    return message


def _read_text(path: StrPath) -> str:
    file = existing_file(path)
    size = file.stat().st_size
    if size > _MAX_BYTES:
        raise CaffeFormatError(f"{path}: {size} bytes exceed the limit of a prototxt; is it a caffemodel?")
    data = file.read_bytes()
    foreign = foreign_format(data)
    if foreign is not None:
        raise CaffeFormatError(f"{path}: is {foreign}, not a prototxt")
    if b"\0" in data:
        raise CaffeFormatError(f"{path}: is binary, not a prototxt; is it a caffemodel, or text in UTF-16?")
    data = _QUOTED_OR_COMMENT.sub(_comment_in_utf8, data)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise CaffeFormatError(
            f"{path}, line {line}: byte 0x{data[error.start]:02x} is not UTF-8; only comments may have such bytes"
        ) from None


def _comment_in_utf8(match: re.Match[bytes]) -> bytes:
    """Return a comment with bytes that are not UTF-8 replaced, and a string as it is."""
    return match[0].decode(errors="replace").encode() if match[0].startswith(b"#") else match[0]


def _explained(error: text_format.ParseError, text: str, source: str) -> CaffeFormatError:
    """Convert protobuf's error to one naming the file, the layer, the invalid field and the valid choices."""
    line, column = error.GetLine(), error.GetColumn()
    reason = _reason(str(error), text, line)
    place = source if line is None else f"{source}, line {line}"
    layer = _layer_at(text, line, column)
    kind = layer.get("type", "")
    if layer:
        place += f": layer '{shortened(layer.get('name', ''))}'" + (f" ({shortened(kind)})" if kind else "")
    if match := _UNKNOWN_FIELD.search(reason):
        return CaffeFormatError(f"{place}: {_unknown_field(match[1], match[2], kind)}")
    if match := _REPEATED.search(reason):
        return CaffeFormatError(f"{place}: field '{match[2]}' of {match[1]} is given twice")
    field = _field_before(text, line, column)
    if match := _UNKNOWN_VALUE.search(reason):
        return CaffeFormatError(f"{place}: {_unknown_value(match[1], match[2], field)}")
    named = f" field '{field}':" if field else ""
    return CaffeFormatError(f"{place}:{named} {reason}")


def _unknown_field(message: str, field: str, layer_type: str) -> str:
    """Say which fields the message has, or what takes the place of a fork's layer type or option."""
    if fork := about_type(layer_type):
        return fork
    fields = [known.name for known in pb.DESCRIPTOR.pool.FindMessageTypeByName(_full(message)).fields]
    advice = about_option(field, layer_type)
    return (
        f"{message} has no field '{field}'; "
        + (f"{advice}; " if advice else "")
        + f"its fields, the closest first: {closest(field, fields)}"
    )


def _unknown_value(enum: str, value: str, field: str) -> str:
    """Say which values the field can have, and if the value is a layer type of a fork what takes its place."""
    if fork := about_type(value):
        return fork
    values = [known.name for known in pb.DESCRIPTOR.pool.FindEnumTypeByName(_full(enum)).values]
    return f"field '{field}' can't be {value}; its values, the closest first: {closest(value, values, len(values))}"


def _layer_at(text: str, line: int | None, column: int | None) -> dict[str, str]:
    """Return the name and type, as far as given, of the innermost layer around this position; {} outside of layers."""
    if line is None or column is None:
        return {}
    position = sum(len(before) + 1 for before in text.split("\n")[: line - 1]) + column - 1
    blocks: list[dict[str, str] | None] = []
    wanted: dict[str, str] | None = None
    for token in _NESTING.finditer(text):
        if wanted is None and token.start() >= position:
            wanted = next((block for block in reversed(blocks) if block is not None), None)
            if wanted is None:
                break
        if token["open"]:
            blocks.append({} if token["block"] in ("layer", "layers") else None)
        elif token["close"]:
            if wanted is not None and blocks and blocks[-1] is wanted:
                break
            del blocks[-1:]
        elif token["field"] and blocks and blocks[-1] is not None:
            blocks[-1].setdefault(token["field"], token["value"].strip("\"'"))
    return {} if wanted is None else wanted


def _reason(error: str, text: str, line: int | None) -> str:
    """Return protobuf's message, shortened, without its position, quoted line and our package name."""
    reason = error.split(" : ", 1)[-1]
    if line is not None:
        quoted = text.split("\n")[line - 1 : line]
        reason = reason.removeprefix(f"'{''.join(quoted)}': ")
    return reason.replace(f"{pb.DESCRIPTOR.package}.", "")[:_LONGEST_REASON]


def _field_before(text: str, line: int | None, column: int | None) -> str:
    """Return the field with the value at this position, "" if not found."""
    if line is None or column is None:
        return ""
    lines = text.split("\n")[max(0, line - 3) : line]
    lines[-1:] = [part[: column - 1] for part in lines[-1:]]
    match = _FIELD_BEFORE.search("\n".join(lines))
    return match[1] if match else ""


def _full(name: str) -> str:
    return f"{pb.DESCRIPTOR.package}.{name}"
