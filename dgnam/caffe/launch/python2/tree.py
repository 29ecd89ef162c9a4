"""What Python 3 reads in a Python 2 module but understands in another way, rewritten in its syntax tree.

    a / b, a + b, a % b, …     →  __python2__.divide(a, b), …: integers floor, NumPy's old rules for scalars
    a /= b                     →  the same, with the parts of a evaluated once
    a < b                      →  __python2__.less(a, b): anything is comparable
    a < b < c                  →  the same with __python2__.Ordered(a), …
    a[b], a[b] = c, a in b     →  __python2__.item(a, b), …: floats as indices of arrays, byte strings, casts that wrap
    f(a), m.data, for x in a   →  __python2__.result(f(a)), …: bytes become byte strings
    a.flat = b, m.data = b     →  a.flat = __python2__.stored(a, "flat", b): casts that wrap, texts for bytes
    d.keys(), d.has_key(k), …  →  __python2__.method(d, "keys")(), …
    except Error as e:         →  e stays after the handler, and has items
    class A: …                 →  the special methods that have another name now, and __metaclass__
    [x for x in items]         →  x stays where it is read afterwards
    yield …                    →  a StopIteration that a generator's body raises ends it

With `from __future__ import division`, `/` is left alone.
"""

from __future__ import annotations

import ast
from typing import Any

from . import casts, exec_names
from .methods import METHODS
from .source import RUNTIME, TARGET

_ARITHMETIC: dict[type[ast.operator], str] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
    ast.FloorDiv: "floor_divide",
    ast.Mod: "modulo",
    ast.Pow: "power",
}
_ORDER: dict[type[ast.cmpop], str] = {
    ast.Lt: "less",
    ast.LtE: "less_equal",
    ast.Gt: "greater",
    ast.GtE: "greater_equal",
}
_RETURN_NO_BYTES = frozenset(
    ("dict", "enumerate", "float", "hasattr", "int", "isinstance", "len", "range", "set", "super", "xrange", "zip")
)
"""Builtins whose calls are left alone."""
_OF_BYTES = ("content", "data")
"""Attributes of messages and responses that hold bytes."""
_STORED = (*_OF_BYTES, "flat")
"""Attributes whose assigned values `stored` gives."""
_OBJECT, _INDEX, _ERROR, _ITEM = (f"{RUNTIME[:-2]}_{name}" for name in ("object", "index", "error", "item_"))
_NO_NAME = f"{TARGET}no_name"
_LEAST_LIMIT = 128
"""Numbers below it, of those that are written without a sign, fit any type."""
_Function = ast.FunctionDef | ast.Lambda


def rewrite(module: ast.Module, targets: dict[str, str], true_division: bool = False) -> ast.Module:
    """Rewrite a module, in place too.

    targets: those of parameters and handlers by the names that stand for them, from `source.to_python3`.
    true_division: `/` divides, as with `from __future__ import division` in the text around this one.
    """
    futures = {
        name.name
        for node in module.body
        if isinstance(node, ast.ImportFrom) and node.module == "__future__"
        for name in node.names
    }
    rewritten: ast.Module = _Rewriter(targets, true_division or "division" in futures).visit(module)
    for node in ast.walk(rewritten):
        # Columns of a text that nobody sees; -1 is none.
        if hasattr(node, "lineno"):
            node.col_offset = node.end_col_offset = -1  # type: ignore[attr-defined]
    return rewritten


def newer(module: ast.Module) -> tuple[ast.AST, str] | None:
    """The first node of a module that Python 2 has no syntax for, and what it is; None if there is none.

    A module of Python 3 would run, and its divisions floor.
    """
    for node in ast.walk(module):
        kind = _NEWER.get(type(node))
        if isinstance(node, ast.arg) and node.annotation is not None:
            kind = "an annotation"
        elif isinstance(node, ast.arguments) and node.kwonlyargs:
            node, kind = node.kwonlyargs[0], "a keyword-only parameter"
        elif isinstance(node, ast.Raise) and node.cause is not None:
            kind = "raise … from"
        elif isinstance(node, ast.Tuple | ast.List) and any(isinstance(one, ast.Starred) for one in node.elts):
            kind = "a starred element"
        if kind is not None:
            return node, kind
    return None


_NEWER: dict[type[ast.AST], str] = {
    ast.AnnAssign: "an annotation",
    ast.AsyncFunctionDef: "async def",
    ast.Await: "await",
    ast.JoinedStr: "an f-string",
    ast.MatMult: "the operator @",
    ast.NamedExpr: "the operator :=",
    ast.YieldFrom: "yield from",
}


class _Rewriter(ast.NodeTransformer):
    def __init__(self, targets: dict[str, str], true_division: bool) -> None:
        self.targets = targets
        self.arithmetic = {**_ARITHMETIC, ast.Div: "true_divide"} if true_division else _ARITHMETIC
        self.read: set[str] = set()
        """Names that the scope reads, other than in comprehensions; empty for a class."""
        self.in_iterable = False
        self.errors: set[str] = set()
        """Names that handlers give to errors, which had items."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        name = self.arithmetic.get(type(node.op))
        return node if name is None else _call(name, node, node.left, node.right)

    def visit_AugAssign(self, node: ast.AugAssign) -> Any:
        self.generic_visit(node)
        name = self.arithmetic.get(type(node.op))
        if name is None:
            return node
        before, target = _once(node.target)
        if isinstance(target, ast.Subscript):
            value = _call(f"in_place_{name}", node, _call("item", node, target.value, target.slice), node.value)
            assign: ast.stmt = ast.Expr(_call("assign_item", node, value, target.value, target.slice))
        else:
            assign = ast.Assign([target], _call(f"in_place_{name}", node, _loaded(target), node.value))
        return [_placed(one, node) for one in (*before, assign)]

    def visit_Assign(self, node: ast.Assign) -> ast.stmt:
        self.generic_visit(node)
        if isinstance(node.targets[0], ast.Tuple | ast.List) and self.is_error(node.value):
            node.value = _call("items", node, node.value)
        target = node.targets[0]
        if len(node.targets) == 1 and isinstance(target, ast.Subscript) and not _fits(target.slice, node.value):
            call = _call("assign_item", node, node.value, target.value, _index(target.slice))
            statement: ast.stmt = _placed(ast.Expr(call), node)
            return statement
        if len(node.targets) > 1 or not isinstance(target, ast.Subscript):
            for one in node.targets:
                _store(one)
        if isinstance(target, ast.Attribute) and target.attr in _STORED and _is_path(target.value):
            node.value = _call("stored", node, _again(target.value), ast.Constant(target.attr), node.value)
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        self.generic_visit(node)
        if not isinstance(node.ctx, ast.Load) or (_is_fixed(node.slice) and not self.is_error(node.value)):
            return node
        return _call("item", node, node.value, _index(node.slice))

    def is_error(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Name) and node.id in self.errors

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return _call("Bytes", node, node) if isinstance(node.value, bytes) else node

    def visit_For(self, node: ast.For) -> ast.AST:
        self.generic_visit(node)
        node.iter = _items(node.iter)
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        self.generic_visit(node)
        if len(node.ops) > 1:
            if all(isinstance(op, (*_ORDER, ast.Eq, ast.NotEq)) for op in node.ops):
                node.left = _call("Ordered", node, node.left)
                node.comparators = [_call("Ordered", node, one) for one in node.comparators]
            return node
        (op,), (right,) = node.ops, node.comparators
        if isinstance(op, ast.In | ast.NotIn) and not isinstance(node.left, ast.Constant):
            found = _call("contains", node, node.left, right)
            return found if isinstance(op, ast.In) else _placed(ast.UnaryOp(ast.Not(), found), node)
        if isinstance(op, ast.Eq | ast.NotEq) and isinstance(right, ast.Constant) and right.value is None:
            return _call("is_none" if isinstance(op, ast.Eq) else "is_not_none", node, node.left)
        for text, other in ((right, node.left), (node.left, right)):
            if isinstance(op, ast.Eq | ast.NotEq) and isinstance(text, ast.Constant) and isinstance(text.value, str):
                return _call("is_text" if isinstance(op, ast.Eq) else "is_not_text", node, other, text)
        name = _ORDER.get(type(op))
        return node if name is None else _call(name, node, node.left, right)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        self.generic_visit(node)
        if not isinstance(node.ctx, ast.Load):
            return node
        if node.attr in METHODS:
            return _call("method", node, node.value, ast.Constant(node.attr))
        return _call("result", node, node) if node.attr in _OF_BYTES else node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        call = self.called(node)
        plain = isinstance(call.func, ast.Name) and call.func.id in _RETURN_NO_BYTES
        return call if plain or _is_of_runtime(call) else _call("result", node, call)

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        node.value = self.called(node.value) if isinstance(node.value, ast.Call) else self.visit(node.value)
        return node

    def called(self, node: ast.Call) -> ast.Call:
        self.generic_visit(node)
        kind, single = node.func, len(node.args) == 1 and not node.keywords
        for keyword in node.keywords:
            if keyword.arg in _OF_BYTES and _is_path(kind):
                keyword.value = _call("stored", node, _again(kind), ast.Constant(keyword.arg), keyword.value)
        if single and isinstance(kind, ast.Name) and kind.id in ("str", "int", "float", "type", *casts.NAMES):
            return _call("converted", node, kind, *node.args)
        if single and isinstance(kind, ast.Attribute) and kind.attr in casts.NAMES:
            return _call("converted", node, kind, *node.args)
        if single and isinstance(kind, ast.Name) and kind.id in ("list", "tuple") and self.is_error(node.args[0]):
            node.args = [_call("items", node, *node.args)]
        return node

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> ast.expr:
        ends = any("next" in (getattr(one, "attr", None), getattr(one, "id", None)) for one in ast.walk(node))
        self.generic_visit(node)
        return _call("generated", node, node) if ends else node

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        if node.name is not None:
            self.errors.add(self.targets.get(node.name, node.name))
        if node.type is not None and "StandardError" in ast.unparse(node.type):
            node.type = _call("caught", node, node.type)
        self.generic_visit(node)
        if node.name is not None:
            given = ast.Name(_ERROR, ast.Load())
            text = self.targets.get(node.name, node.name)
            target = _target(text)
            value = _call("arguments", node, given) if isinstance(target, ast.Tuple | ast.List) else given
            node.body.insert(0, _placed(ast.Assign([target], value), node))
            node.name = _ERROR
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        generates = any(isinstance(one, ast.Yield) for one in _own(node))
        self.within(node, _read(node))
        taken = [
            _placed(ast.Assign([_target(self.targets[name])], ast.Name(name, ast.Load())), node)
            for name in _parameters(node)
            if name in self.targets
        ]
        start = 1 if ast.get_docstring(node, clean=False) is not None else 0
        first = [_placed(one, node) for one in exec_names.keep(node)]
        node.body[start:start] = [*_globals_first(node), *taken, *first]
        if generates:
            stop = ast.Attribute(_runtime(), "StopIteration", ast.Load())
            handler = ast.ExceptHandler(stop, None, [ast.Return(None)])
            node.body[start:] = [_placed(ast.Try(node.body[start:], [handler], [], []), node)]
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        self.generic_visit(node)
        for name in reversed([name for name in _parameters(node) if name in self.targets]):
            of = ast.List([ast.Name(name, ast.Load())], ast.Load())
            body = ast.ListComp(node.body, [ast.comprehension(_target(self.targets[name]), of, [], 0)])
            node.body = _placed(ast.Subscript(body, ast.Constant(0), ast.Load()), node)
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        self.within(node, set())
        for statement in node.body:
            if isinstance(statement, ast.Assign) and _assigns(statement, "__metaclass__"):
                node.keywords.append(_placed(ast.keyword("metaclass", statement.value), statement))
                node.body[node.body.index(statement)] = _placed(ast.Pass(), statement)
        node.decorator_list.append(_placed(ast.Attribute(_runtime(), "special_methods", ast.Load()), node))
        return node

    def visit_Module(self, node: ast.Module) -> ast.AST:
        self.within(node, _read(node))
        for one in _own(node):
            if isinstance(one, ast.Global):
                one.names = [_NO_NAME]  # outside of functions it has no effect
        return node

    def within(self, scope: ast.AST, read: set[str]) -> None:
        before, self.read, self.in_iterable = (self.read, self.in_iterable), read, False
        self.generic_visit(scope)
        self.read, self.in_iterable = before

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        before, self.in_iterable = self.in_iterable, True  # where Python 3 lets nothing be assigned
        node.iter = _items(self.visit(node.iter))
        self.in_iterable = before
        node.ifs = [self.visit(condition) for condition in node.ifs]
        return node

    def visit_ListComp(self, node: ast.ListComp) -> ast.AST:
        """Its variables that are read outside of it: assigned there by a condition that is always true."""
        self.generic_visit(node)
        for generator in [] if self.in_iterable else node.generators:
            named = [name for name in ast.walk(generator.target) if isinstance(name, ast.Name)]
            kept = [name.id for name in named if name.id in self.read and isinstance(name.ctx, ast.Store)]
            for name in named:
                name.id = f"{_ITEM}{name.id}" if name.id in kept else name.id
            if kept:
                assigned: list[ast.expr] = [
                    ast.NamedExpr(ast.Name(name, ast.Store()), ast.Name(f"{_ITEM}{name}", ast.Load())) for name in kept
                ]
                generator.ifs.insert(0, _placed(ast.List(assigned, ast.Load()), node))
        return node


def _once(target: ast.expr) -> tuple[list[ast.stmt], ast.expr]:
    """Statements that evaluate the parts of an augmented assignment's target, and the target made of them."""
    if isinstance(target, ast.Attribute):
        return [_keep(_OBJECT, target.value)], ast.Attribute(ast.Name(_OBJECT, ast.Load()), target.attr, ast.Store())
    if isinstance(target, ast.Subscript):
        before = [_keep(_OBJECT, target.value), _keep(_INDEX, _index(target.slice))]
        names = ast.Name(_OBJECT, ast.Load()), ast.Name(_INDEX, ast.Load())
        return before, ast.Subscript(*names, ast.Store())
    return [], target


def _keep(name: str, value: ast.expr) -> ast.stmt:
    return ast.Assign([ast.Name(name, ast.Store())], value)


def _index(index: ast.expr) -> ast.expr:
    """An index as an expression: slices are made by a call."""
    if isinstance(index, ast.Tuple):
        return ast.Tuple([_index(one) for one in index.elts], ast.Load())
    if isinstance(index, ast.Slice):
        parts = [part if part is not None else ast.Constant(None) for part in (index.lower, index.upper, index.step)]
        return ast.Call(ast.Attribute(_runtime(), "slice", ast.Load()), parts, [])
    return index


def _loaded(target: ast.expr) -> ast.expr:
    """The target, read."""
    if isinstance(target, ast.Name):
        return ast.Name(target.id, ast.Load())
    if isinstance(target, ast.Attribute):
        return ast.Attribute(target.value, target.attr, ast.Load())
    assert isinstance(target, ast.Subscript)
    return ast.Subscript(target.value, target.slice, ast.Load())


def _parameters(node: _Function) -> list[str]:
    return [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]


def _globals_first(node: ast.FunctionDef) -> list[ast.stmt]:
    """The function's `global` statements, taken from where they stand: Python 2 lets names be used before them."""
    names: list[str] = []
    for one in _own(node):
        if isinstance(one, ast.Global):
            names += [name for name in one.names if name not in names]
            one.names = [_NO_NAME]
    return [_placed(ast.Global(names), node)] if names else []


def _own(node: ast.AST) -> list[ast.AST]:
    """The nodes of a scope, without those of functions and classes in it."""
    found = []
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.ClassDef | ast.Lambda):
            found += [child, *_own(child)]
    return found


def _read(scope: ast.AST) -> set[str]:
    """The names that a scope reads, other than in comprehensions."""
    found = set()
    for child in ast.iter_child_nodes(scope):
        if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Load):
            found.add(child.id)
        if not isinstance(child, ast.FunctionDef | ast.ClassDef | ast.Lambda | ast.ListComp):
            found |= _read(child)
    return found


def _assigns(statement: ast.Assign, name: str) -> bool:
    return any(isinstance(target, ast.Name) and target.id == name for target in statement.targets)


def _target(text: str) -> ast.expr:
    """A target, without a place in the text."""
    statement = ast.parse(f"{text} = 0").body[0]
    assert isinstance(statement, ast.Assign)
    for node in ast.walk(statement.targets[0]):
        for attribute in node._attributes:
            delattr(node, attribute)
    return statement.targets[0]


def _is_fixed(index: ast.expr) -> bool:
    """Whether an index is written out, and has no floats."""
    if isinstance(index, ast.Slice):
        return all(part is None or _is_fixed(part) for part in (index.lower, index.upper, index.step))
    if isinstance(index, ast.Tuple):
        return all(map(_is_fixed, index.elts))
    index = index.operand if isinstance(index, ast.UnaryOp) else index
    return isinstance(index, ast.Constant) and not isinstance(index.value, float)


def _fits(index: ast.expr, value: ast.expr) -> bool:
    """Whether an assignment to an item does what it did, whatever the array's type."""
    if isinstance(index, ast.Constant) and isinstance(index.value, str):
        return True
    small = isinstance(value, ast.Constant) and (not isinstance(value.value, int | float) or value.value < _LEAST_LIMIT)
    return small and _is_fixed(index)


def _store(target: ast.expr) -> None:
    """Make the items among the targets of an assignment, in place, those that `assign_item` assigns."""
    if isinstance(target, ast.Tuple | ast.List):
        for one in target.elts:
            _store(one)
    elif isinstance(target, ast.Subscript):
        target.value = _call("Stored", target, target.value)


def _is_path(node: ast.expr) -> bool:
    """Whether an expression is a name with attributes."""
    return isinstance(node, ast.Name) or (isinstance(node, ast.Attribute) and _is_path(node.value))


def _is_of_runtime(call: ast.Call) -> bool:
    """Whether the runtime is what is called, or what prints."""
    node: ast.expr = call
    while isinstance(node, ast.Call):
        if not isinstance(node.func, ast.Attribute):
            return False
        owner = node.func.value
        if isinstance(owner, ast.Name) and owner.id == RUNTIME:
            return node is call or node.func.attr == "printer"
        node = owner
    return False


def _items(iterable: ast.expr) -> ast.expr:
    name = iterable.func if isinstance(iterable, ast.Call) else None
    written = isinstance(iterable, ast.List | ast.Tuple | ast.Constant)
    plain = written or (isinstance(name, ast.Name) and name.id in _RETURN_NO_BYTES)
    return iterable if plain else _call("items", iterable, iterable)


def _call(name: str, place: ast.AST, *arguments: ast.expr) -> ast.Call:
    """A call of a function of the runtime, at the place of another node."""
    call: ast.Call = _placed(ast.Call(ast.Attribute(_runtime(), name, ast.Load()), list(arguments), []), place)
    return call


def _again(path: ast.expr) -> ast.expr:
    """A name with attributes, once more."""
    if isinstance(path, ast.Attribute):
        return ast.copy_location(ast.Attribute(_again(path.value), path.attr, ast.Load()), path)
    assert isinstance(path, ast.Name)
    return ast.copy_location(ast.Name(path.id, ast.Load()), path)


def _runtime() -> ast.Name:
    return ast.Name(RUNTIME, ast.Load())


def _placed(node: Any, place: ast.AST) -> Any:
    """The node, with the place in the text of another for its parts that have none."""
    line = place.lineno  # type: ignore[attr-defined]
    one: Any
    for one in ast.walk(node):
        if "lineno" in one._attributes and not hasattr(one, "lineno"):
            one.lineno = one.end_lineno = line
            one.col_offset = one.end_col_offset = 0
    return node
