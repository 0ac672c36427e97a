"""The rule of who sees which meter with any one of its conditions taken out, made from its own source."""

import ast
import copy
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, TypeGuard

from portal import visibility

STATEMENTS = frozenset(
    {
        *("_ACTIVE_ACCOUNT", "_ACTIVE_COMPANY", "_ON_WALL", "_PROVISIONED", "_STAFF", "_METERS"),
        *("_CURRENT_SPAN", "_ACTIVE_NUMBER", "_HELD_NOW"),
    }
)
PATCHED = ("_SEEN", "_ONE", "_ONE_ASKED", "can_see")
"""What of the module the rest of it asks."""


def conditions() -> Iterator[tuple[str, ModuleType]]:
    """Each condition in words, and the module without it."""
    source = Path(visibility.__file__).read_text(encoding="utf-8")
    tree = ast.parse(source)
    for index, node in enumerate(_places(tree)):
        other = copy.deepcopy(tree)
        place = _places(other)[index]
        words = f"line {node[0].lineno}: {ast.unparse(node[0])}"
        _put(*place)
        yield words, _module(other)


def _module(tree: ast.Module) -> ModuleType:
    module = ModuleType("portal.visibility")
    exec(compile(ast.fix_missing_locations(tree), visibility.__file__, "exec"), module.__dict__)
    return module


Place = tuple[ast.expr, ast.AST, str, int | None, str]
"""A condition, what it stands in, the field and place there, and the name or word that is put instead."""


def _places(tree: ast.Module) -> list[Place]:
    found: list[Place] = []
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef) and statement.name == "can_see":
            found += _of_predicate(statement)
        elif _is_sql(statement):
            found += _of_sql(statement)
    return found


def _is_sql(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.FunctionDef):
        return statement.name == "_seen_by"
    return isinstance(statement, ast.Assign) and bool(_names(statement) & STATEMENTS)


def _names(statement: ast.Assign) -> set[str]:
    return {target.id for target in statement.targets if isinstance(target, ast.Name)}


def _of_sql(tree: ast.AST) -> Iterator[Place]:
    """The conditions of joins, wheres and conjunctions; one alone on a name too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and _names(node) & {"_ACTIVE_COMPANY", "_ON_WALL"}:
            yield node.value, node, "value", None, "true()"
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func).rsplit(".", 1)[-1]
        if called in ("and_", "where"):
            yield from ((each, node, "args", place, "true()") for place, each in enumerate(node.args))
        elif called == "join" and len(node.args) == 2:
            yield node.args[1], node, "args", 1, "true()"


def _of_predicate(tree: ast.FunctionDef) -> Iterator[Place]:
    """What refuses is taken not to, and what allows is taken to."""
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.body[0]) == "return False":
            if isinstance(node.test, ast.BoolOp) and isinstance(node.test.op, ast.Or):
                yield from ((each, node.test, "values", place, "False") for place, each in enumerate(node.test.values))
            else:
                yield node.test, node, "test", None, "False"
        elif isinstance(node, ast.Return) and isinstance(node.value, ast.BoolOp):
            yield from ((each, node.value, "values", place, "True") for place, each in enumerate(node.value.values))
        elif _is_comparison(node):
            assert node.value is not None
            yield node.value, node, "value", None, "True"


def _is_comparison(node: ast.AST) -> TypeGuard[ast.Return | ast.Assign]:
    """Whether it returns a comparison, or says whether a number is held."""
    if isinstance(node, ast.Return):
        return isinstance(node.value, ast.Compare)
    return isinstance(node, ast.Assign) and _names(node) == {"held"}


def _put(_: ast.expr, parent: ast.AST, field: str, place: int | None, word: str) -> None:
    new = ast.parse(word, mode="eval").body
    if place is None:
        setattr(parent, field, new)
    else:
        values: list[Any] = getattr(parent, field)
        values[place] = new
