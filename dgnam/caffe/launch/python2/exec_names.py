"""Names that `exec` makes in a function: Python 2 let the function read them afterwards.

    exec "q = 1"     →  __python2_names = __python2__.execute_here("q = 1")
    return q         →  return __python2_names["q"] if "q" in __python2_names else q

Variables of the function that `exec` assigns get their values after it.
"""

from __future__ import annotations

import ast
from typing import Any

from .source import RUNTIME

NAMES = "__python2_names"


def keep(function: ast.FunctionDef) -> list[ast.stmt]:
    """Rewrite a function whose `exec` has no names given; returns the statements that it then begins with."""
    if not any(_is_exec(node) for statement in function.body for node in _own(statement)):
        return []
    arguments = function.args
    given = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    own = {argument.arg for argument in given if argument is not None}
    excluded: set[str] = set()
    for node in (node for statement in function.body for node in _own(statement)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            own.add(node.id)
        elif isinstance(node, ast.Global):
            excluded.update(node.names)
    rewriter = _Rewriter(own - excluded, excluded)
    function.body = [one for statement in function.body for one in _listed(rewriter.visit(statement))]
    return [ast.Assign([ast.Name(NAMES, ast.Store())], ast.Dict([], []))]


class _Rewriter(ast.NodeTransformer):
    def __init__(self, own: set[str], excluded: set[str]) -> None:
        self.own, self.excluded = own, excluded

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        return node

    def visit_Expr(self, node: ast.Expr) -> Any:
        executes = _is_exec(node)
        self.generic_visit(node)
        if not executes:
            return node
        assert isinstance(node.value, ast.Call)
        assert isinstance(node.value.func, ast.Attribute)
        node.value.func.attr = "execute_here"
        lines: list[ast.stmt] = [ast.Assign([ast.Name(NAMES, ast.Store())], node.value)]
        for name in sorted(self.own):
            assign = ast.Assign([ast.Name(name, ast.Store())], _entry(name))
            lines.append(ast.If(_has(name), [assign], []))
        return [ast.fix_missing_locations(ast.copy_location(line, node)) for line in lines]

    def visit_Name(self, node: ast.Name) -> ast.expr:
        taken = node.id in self.own or node.id in self.excluded or node.id.startswith(RUNTIME[:-2])
        if taken or not isinstance(node.ctx, ast.Load):
            return node
        choice = ast.IfExp(_has(node.id), _entry(node.id), ast.Name(node.id, ast.Load()))
        return ast.fix_missing_locations(ast.copy_location(choice, node))


def _is_exec(node: ast.AST) -> bool:
    """Whether a statement is `exec` of code alone."""
    call = node.value if isinstance(node, ast.Expr) else None
    return isinstance(call, ast.Call) and len(call.args) == 1 and ast.unparse(call.func) == f"{RUNTIME}.execute"


def _own(node: ast.AST) -> list[ast.AST]:
    """A node and those in it, without what functions and classes hold."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda):
        return []
    return [node, *(below for child in ast.iter_child_nodes(node) for below in _own(child))]


def _has(name: str) -> ast.expr:
    return ast.Compare(ast.Constant(name), [ast.In()], [ast.Name(NAMES, ast.Load())])


def _entry(name: str) -> ast.expr:
    return ast.Subscript(ast.Name(NAMES, ast.Load()), ast.Constant(name), ast.Load())


def _listed(statements: Any) -> list[ast.stmt]:
    return statements if isinstance(statements, list) else [statements]
