"""From the syntax of Python 2 to that of Python 3, each line in its place.

    print "a", b          →  __python2__.printer().item("a").item(b).end()
    except Error, e:      →  except Error as e:
    raise Error, "text"   →  raise __python2__.raised(Error, "text")
    exec code in names    →  __python2__.execute(code, names)
    `x`, a <> b, 0777     →  repr((x)), a != b, 0o777
    def f(a, (b, c)):     →  def f(a, __python2_target_0):  with the target's text returned

Statements stay on their lines, so that tracebacks show the original text.
"""

from __future__ import annotations

import importlib
import re
from typing import Any

from ....errors import optional_module

RUNTIME = "__python2__"
"""The name by which translated code finds `runtime`."""

TARGET = "__python2_target_"

_NEW_KEYWORDS = {"async": "async_", "await": "await_", "nonlocal": "nonlocal_"}
_PREFIX = re.compile(r"[A-Za-z]*")
_BEYOND_ASCII = re.compile(r"(?<!\\)(?:\\\\)*\\(?:x[89a-fA-F][0-9a-fA-F]|[23][0-7][0-7])")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


def to_python3(text: str, file: str) -> tuple[str, dict[str, str]]:
    """Translate a module; `text` has line feeds only.

    file: its name, for errors.

    Returns the new text, and the targets of parameters and handlers by the names that stand for them.  Raises
    SyntaxError for text that is not Python 2.
    """
    tree = _parse(text if text.endswith("\n") else f"{text}\n", file)
    targets: dict[str, str] = {}
    unicode_literals = "unicode_literals" in _futures(tree)
    leaves = list(tree.leaves())
    binary = {id(leaf) for leaf in leaves if _is_binary(leaf, unicode_literals)}
    for leaf in leaves:
        _rewrite_leaf(leaf, unicode_literals, id(leaf) in binary)
    for node in list(tree.pre_order()):
        rewrite = None if hasattr(node, "value") else _NODES.get(_kind(node))
        if rewrite is not None:
            rewrite(node, targets)
    return str(tree), targets


def _parse(text: str, file: str) -> Any:
    """The concrete syntax tree; print is a statement unless `print_function` is imported from `__future__`."""
    pygram, pytree, driver = (_fissix(name) for name in ("pygram", "pytree", "pgen2.driver"))
    tokenize, parse = _fissix("pgen2.tokenize"), _fissix("pgen2.parse")
    with_print, without = pygram.python_grammar, pygram.python_grammar_no_print_statement
    lines = text.splitlines()
    try:
        text = _without_tabs(text, tokenize)
        grammars = (without, with_print) if "print_function" in text else (with_print,)
        for grammar in grammars:
            try:
                tree = driver.Driver(grammar, convert=pytree.convert).parse_string(text)
            except parse.ParseError:
                if grammar is grammars[-1]:
                    raise
                continue
            if grammar is with_print or "print_function" in _futures(tree):
                return tree
        return tree
    except parse.ParseError as error:
        row, column = error.context[1] if error.context else (1, 0)
        reason = (
            f"invalid syntax of Python 2 at {error.value!r}" if error.value.strip() else "invalid syntax of Python 2"
        )
    except (tokenize.TokenError, IndentationError) as error:
        reason, (row, column) = error.args[0], error.args[1][-2:] if len(error.args[1]) == 2 else error.args[1][1:3]
    shown = lines[row - 1] if 0 < row <= len(lines) else ""
    raise SyntaxError(reason, (file, row, column + 1, shown))


def _fissix(name: str) -> Any:
    optional_module("fissix", "--python2", "'dgnam[python2]'")
    return importlib.import_module(f"fissix.{name}")


def _kind(node: Any) -> str:
    return str(_fissix("pytree").type_repr(node.type))


def _without_tabs(text: str, tokenize: Any) -> str:
    """`text` with indentation of spaces: Python 2 takes a tab as up to the next multiple of eight columns."""
    if "\t" not in text:
        return text
    lines = text.splitlines(keepends=True)
    inside: set[int] = set()
    for kind, _, (first, _), (last, _), _ in tokenize.generate_tokens(iter([*lines, ""]).__next__):
        if kind == tokenize.STRING:
            inside.update(range(first + 1, last + 1))
    for number, line in enumerate(lines, 1):
        rest = line.lstrip(" \t\f")
        if number not in inside:
            lines[number - 1] = line[: len(line) - len(rest)].replace("\f", "").expandtabs(8) + rest
    return "".join(lines)


def _futures(tree: Any) -> set[str]:
    """What the module imports from `__future__`."""
    found: set[str] = set()
    for statement in tree.children:
        for node in getattr(statement, "children", []):
            if _kind(node) == "import_from" and str(node.children[1]).strip() == "__future__":
                found.update(leaf.value for leaf in node.leaves())
    return found


def _is_binary(leaf: Any, unicode_literals: bool) -> bool:
    """Whether a literal, or one it is joined with, is of bytes: has the prefix, or escapes beyond ASCII."""
    string = _fissix("pgen2.token").STRING
    if leaf.type != string:
        return False
    joined = [leaf.value]
    if leaf.parent is not None and all(one.type == string for one in leaf.parent.children):
        joined = [one.value for one in leaf.parent.children]
    prefixes = [_PREFIX.match(value)[0].lower() for value in joined]  # type: ignore[index]
    if any("u" in prefix or ("b" not in prefix and unicode_literals) for prefix in prefixes):
        return False
    return any(
        "b" in prefix or ("r" not in prefix and _BEYOND_ASCII.search(value) is not None)
        for prefix, value in zip(prefixes, joined, strict=True)
    )


def _rewrite_leaf(leaf: Any, unicode_literals: bool, binary: bool) -> None:
    kind = _fissix("pgen2.token").tok_name[leaf.type]
    if kind == "NUMBER":
        leaf.value = _number(leaf.value)
    elif kind == "STRING":
        leaf.value = _binary_string(leaf.value) if binary else _string(leaf.value, unicode_literals)
    elif kind == "NAME":
        leaf.value = _NEW_KEYWORDS.get(leaf.value, leaf.value)
    elif leaf.value == "<>":
        leaf.value = "!="


def _number(value: str) -> str:
    value = value.rstrip("lL")
    return f"0o{value[1:]}" if len(value) > 1 and value.isdecimal() and value[0] == "0" else value


def _binary_string(value: str) -> str:
    """A literal of bytes; letters beyond ASCII are in UTF-8."""
    prefix = _PREFIX.match(value)[0].lower()  # type: ignore[index]
    body = value[len(prefix) :]
    if not body.isascii():
        body = body.replace("\\", "\\\\") if "r" in prefix else body
        prefix = ""
        body = "".join(one if one.isascii() else "".join(f"\\x{code:02x}" for code in one.encode()) for one in body)
    return f"b{'r' if 'r' in prefix else ''}{body}"


def _string(value: str, unicode_literals: bool) -> str:
    r"""A literal with the value it had: `\u` is an escape in Unicode texts only, there in raw ones too."""
    found = _PREFIX.match(value)
    prefix = found[0].lower() if found else ""
    body = value[len(prefix) :]
    if "f" in prefix:
        return value
    prefix = prefix.replace("b", "")
    of_unicode = "u" in prefix or unicode_literals
    if "r" in prefix:
        escaped = of_unicode and re.search(r"(?<!\\)(?:\\\\)*\\[uU]", body)
        if not escaped:
            return f"r{body}"
        return re.sub(r"\\(?![uU])", r"\\\\", body)
    return body if of_unicode else _ESCAPE.sub(_plain_escape, body)


def _plain_escape(found: re.Match[str]) -> str:
    return f"\\\\{found[1]}" if found[1] in "uUN" else found[0]


def _print(node: Any, _: dict[str, str]) -> None:
    """A call for each item, so that one is written before the next is computed."""
    comma = _fissix("pgen2.token").COMMA
    first, *words = node.children
    to_file = str(words[0]).strip() == ">>"
    if to_file:
        words[0].value = ""
    first.value = f"{RUNTIME}.printer(" if to_file else f"{RUNTIME}.printer().item("
    ends_line = words[-1].type != comma
    for word in words:
        if word.type == comma:
            word.value = ").item(" if word is not words[-1] else ")"
    if ends_line:
        _close(node, ").end()")


def _bare_print(node: Any, _: dict[str, str]) -> None:
    """A `print` alone, which the parser leaves without a node of its own."""
    for child in node.children:
        if getattr(child, "value", None) == "print" and child.type == _fissix("pgen2.token").NAME:
            child.value = f"{RUNTIME}.printer().end()"


def _exec(node: Any, _: dict[str, str]) -> None:
    node.children[0].value = f"{RUNTIME}.execute("
    if len(node.children) > 2:
        node.children[2].value = ","
    _close(node)


def _raise(node: Any, _: dict[str, str]) -> None:
    if len(node.children) > 2 and str(node.children[2]).strip() == ",":
        node.children[0].value = f"raise {RUNTIME}.raised("
        _close(node)


def _except(node: Any, targets: dict[str, str]) -> None:
    if len(node.children) < 4:
        return
    node.children[2].value = "as" if node.children[2].value == "as" else " as"
    target = node.children[3]
    if not hasattr(target, "value"):
        _name(target, targets)


def _backticks(node: Any, _: dict[str, str]) -> None:
    first, last = node.children[0], node.children[-1]
    if first.type == _fissix("pgen2.token").BACKQUOTE:
        # What is around it may have been opened and closed there.
        first.value = first.value.replace("`", f"{RUNTIME}.representation((")
        last.value = last.value.replace("`", "))")


def _parameter(node: Any, targets: dict[str, str]) -> None:
    """A tuple among a function's parameters; of nested ones, the outermost takes all."""
    if node.parent is not None and _kind(node.parent) not in ("tfplist", "vfplist"):
        _name(node, targets)


def _comprehension(node: Any, _: dict[str, str]) -> None:
    """`[x for x in 1, 2]`, which Python 3 wants parentheses in."""
    for before, child in zip(node.children, node.children[1:], strict=False):
        if getattr(before, "value", None) == "in" and _kind(child) == "testlist_safe":
            first = next(child.leaves())
            first.value = f"({first.value}"
            _close(child)


def _name(node: Any, targets: dict[str, str]) -> None:
    """Put a name in the place of a target that Python 3 doesn't take there."""
    name = f"{TARGET}{len(targets)}"
    first, *rest = list(node.leaves())
    text = str(node).strip()
    targets[name] = f"({text})" if "\n" in text else text
    first.value = name
    for leaf in rest:
        leaf.value, leaf.prefix = "", "\\\n" * leaf.prefix.count("\n")


def _close(node: Any, text: str = ")") -> None:
    *_, last = node.leaves()
    last.value += text


_NODES = {
    "print_stmt": _print,
    "simple_stmt": _bare_print,
    "exec_stmt": _exec,
    "raise_stmt": _raise,
    "except_clause": _except,
    "atom": _backticks,
    "tfpdef": _parameter,
    "vfpdef": _parameter,
    "comp_for": _comprehension,
}
