"""The pages' templates: all that is put into them is escaped, and shows no control characters."""

from __future__ import annotations

import base64
import hashlib
import unicodedata
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from .. import __version__
from ..files.checksums import sha256_of_bytes
from ..runs.index import duration
from .run_files import quote_path

FOLDER = Path(__file__).with_name("templates")
STYLE, SCRIPT = "style.css", "table.js"

_DIRECTIONS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Marks that turn the text around them."""


def render(name: str, **values: Any) -> bytes:
    """A page, UTF-8; characters that no file can hold come out as question marks."""
    return _environment().get_template(name).render(values).encode("utf-8", "replace")


def style() -> bytes:
    """The style sheet of all pages."""
    return (FOLDER / STYLE).read_bytes()


@cache
def templates_digest() -> str:
    """The checksum of all templates and the version: other ones make other pages."""
    content = b"".join(path.read_bytes() for path in sorted(FOLDER.iterdir()) if path.is_file())
    return sha256_of_bytes(content + __version__.encode())


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_harmless,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    script = (FOLDER / SCRIPT).read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    made.filters |= {"address": quote_path, "duration": duration}
    made.globals |= {"script": Markup(script), "script_hash": Markup(f"sha256-{digest}"), "version": __version__}
    return made


def _harmless(value: Any) -> Any:
    """The value without control characters and marks of direction; a replacement character stands for each."""
    if not isinstance(value, str) or isinstance(value, Markup) or value.isprintable():
        return value
    return "".join("\ufffd" if _harms(letter) else letter for letter in value)


def _harms(letter: str) -> bool:
    return (unicodedata.category(letter) == "Cc" and letter not in "\n\t") or letter in _DIRECTIONS
