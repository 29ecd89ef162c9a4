"""Mutants of a module: its text with one small fault each, as a programmer might make it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_SWAPPED = (
    *((ast.Lt, ast.LtE), (ast.Gt, ast.GtE), (ast.Eq, ast.NotEq), (ast.Is, ast.IsNot), (ast.In, ast.NotIn)),
    *((ast.And, ast.Or), (ast.Add, ast.Sub), (ast.Mult, ast.Div)),
)
_OPERATORS: dict[type[ast.AST], type[ast.AST]] = {a: b for pair in _SWAPPED for a, b in (pair, pair[::-1])}
_UNTOUCHED = (ast.JoinedStr, ast.Assert, ast.Import, ast.ImportFrom)
"""Formatted texts, what tells a type checker more, and imports."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One fault in one module.

    path: the module, from the root of the checkout.
    start, end: where, in bytes of the module, `text` takes the place of what stands there.
    """

    path: Path
    line: int
    start: int
    end: int
    before: str
    text: str

    def __str__(self) -> str:
        before, after = (" ".join(text.split()) for text in (self.before, self.text))
        return f"{self.path.as_posix()}:{self.line}  {_shortened(before)}  →  {_shortened(after)}"

    def of(self, source: bytes) -> bytes:
        """The module's source with the fault."""
        return source[: self.start] + self.text.encode() + source[self.end :]


def mutants_of(path: Path, source: bytes) -> list[Mutant]:
    """All mutants of a module, in the order of its text."""
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    found = set()
    for node, text in _faults(ast.parse(source)):
        start = starts[node.lineno - 1] + node.col_offset
        end = starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
        found.add(Mutant(path, node.lineno, start, end, source[start:end].decode(), text))
    return sorted(found, key=lambda mutant: (mutant.start, mutant.end, mutant.text))


def _faults(node: ast.AST) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """Each node below that is replaced, and by what text."""
    if isinstance(node, (ast.expr, ast.stmt)):
        yield from ((node, text) for text in _replacements(node))
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list") or (isinstance(node, ast.keyword) and _of_message(node)):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not isinstance(child, _UNTOUCHED) and not _of_types(child):
                yield from _faults(child)


def _replacements(node: ast.expr | ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.Compare):
        for place, operator in enumerate(node.ops):
            if type(operator) in _OPERATORS:
                ops = [*node.ops[:place], _OPERATORS[type(operator)](), *node.ops[place + 1 :]]
                yield f"({ast.unparse(ast.Compare(node.left, ops, node.comparators))})"  # type: ignore[arg-type]
    elif isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS and not _of_text(node):
        yield f"({ast.unparse(ast.BinOp(node.left, _OPERATORS[type(node.op)](), node.right))})"  # type: ignore[arg-type]
    elif isinstance(node, ast.BoolOp):
        yield f"({ast.unparse(ast.BoolOp(_OPERATORS[type(node.op)](), node.values))})"  # type: ignore[arg-type]
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield f"bool({ast.unparse(node.operand)})"
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield str(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        yield from (f"({node.value + 1!r})", f"({node.value - 1!r})")
    elif isinstance(node, ast.IfExp):
        yield f"({ast.unparse(ast.IfExp(node.test, node.orelse, node.body))})"
    elif isinstance(node, ast.Return) and node.value is not None and ast.unparse(node.value) != "None":
        yield "return None"
    elif isinstance(node, (ast.Expr, ast.AugAssign, ast.Raise, ast.Break, ast.Continue)):
        if not (isinstance(node, ast.Expr) and isinstance(node.value, (ast.Constant, ast.Yield, ast.YieldFrom))):
            yield "pass"
    elif isinstance(node, ast.Assign) and not any(isinstance(target, (ast.Name, ast.Tuple)) for target in node.targets):
        yield "pass"


def _of_message(keyword: ast.keyword) -> bool:
    """Whether an argument only tells where a warning points, or what a type checker reads."""
    return keyword.arg in ("stacklevel", "strict", "slots", "frozen")


def _of_text(node: ast.BinOp) -> bool:
    """Whether an operator joins texts or paths, which any other one fails to do at once."""
    texts = (isinstance(part, ast.Constant) and isinstance(part.value, str) for part in ast.walk(node))
    return any(texts) or any(isinstance(side, ast.JoinedStr) for side in (node.left, node.right))


def _of_types(node: ast.AST) -> bool:
    """Whether a statement runs for type checkers alone."""
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def _shortened(text: str, most: int = 60) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
