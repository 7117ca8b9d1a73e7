"""SQL that people write in traits: parsed into a tree, with its references to columns and traits put in as nodes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from audiences.query import traits
from audiences.query.conditions import Field, FormulaTrait
from audiences.query.errors import Path, refused
from audiences.query.schema import Surface
from audiences.query.scope import Scope

if TYPE_CHECKING:
    from audiences.query.compiler import At, Compiler

_REFERENCE = re.compile(r'\{\{\s*(?:column\s+)?"(?P<name>[^"{}]+)"\s*\}\}')
_MARK = "headrace_reference_"
_MERGED = "merged."
_TRAIT = "trait."
LONGEST = 20_000


@dataclass(slots=True)
class Parsed:
    """An expression and where it refers to what: name → the nodes that stand for it."""

    tree: exp.Expr
    references: dict[str, list[exp.Expr]]

    def put(self, use: exp.Expr, node: exp.Expr) -> None:
        """Put a node in the place of a reference."""
        if use is self.tree:
            self.tree = node
        else:
            use.replace(node)


def references(sql: str) -> list[str]:
    """The names in braces, in the order of the text: for editors and for what depends on what."""
    return list(dict.fromkeys(found["name"] for found in _REFERENCE.finditer(sql)))


def aggregate(sql: str, dialect: str, path: Path) -> Parsed:
    """An aggregate over rows, with ``{{ column "price" }}`` for columns."""
    parsed = _parsed(sql, dialect, path)
    bare = next((node for node in parsed.tree.find_all(exp.Column) if not _is_mark(node)), None)
    if bare is not None:
        shown = bare.sql(dialect=dialect)
        message = f'“{shown}” is not known here: write {{{{ column "{bare.name}" }}}} for a column.'
        raise refused(path, "trait_sql", message)
    if not any(isinstance(node, exp.AggFunc | exp.Anonymous) for node in parsed.tree.walk()):
        raise refused(path, "trait_sql", 'This has to be one value for many rows, such as SUM({{ column "price" }}).')
    return parsed


def row_formula(compiler: Compiler, scope: Scope, definition: FormulaTrait, at: At, surface: Surface) -> exp.Expr:
    """A formula over a row's own columns, merged columns and traits; names without braces are columns."""
    path = (*at.path, "sql")
    parsed = _parsed(definition.sql, compiler.studio.dialect, path)
    if any(isinstance(node, exp.AggFunc) for node in parsed.tree.walk()):
        raise refused(path, "trait_sql", "A formula is about one row: what adds up rows is a SQL aggregation.")
    for node in list(parsed.tree.find_all(exp.Column)):
        if _is_mark(node):
            continue
        if node.table:
            raise refused(path, "trait_sql", f"“{node.sql(dialect=compiler.studio.dialect)}” is not known here.")
        parsed.put(node, scope.value(Field(node.name), path, surface).node)
    for name, uses in parsed.references.items():
        for use in uses:
            parsed.put(use, exp.paren(_resolved(compiler, scope, name, at, surface).copy(), copy=False))
    return exp.paren(parsed.tree, copy=False)


def _resolved(compiler: Compiler, scope: Scope, name: str, at: At, surface: Surface) -> exp.Expr:
    path = (*at.path, "sql")
    if scope.model.column(name) is not None:
        return scope.value(Field(name), path, surface).node
    if name.startswith(_TRAIT):
        wanted = name.removeprefix(_TRAIT)
        for trait in compiler.schema.traits.values():
            if trait.model == scope.model.id and wanted in {trait.name, trait.id}:
                return traits.saved(compiler, scope, trait.id, at, surface=surface).node
        raise refused(path, "unknown_trait", f"There is no trait “{wanted}” on {scope.model.name}.")
    if name.startswith(_MERGED):
        merged = _merged(compiler, scope, name.removeprefix(_MERGED), path)
        return scope.value(merged, path, surface).node
    return scope.value(Field(name), path, surface).node


def _merged(compiler: Compiler, scope: Scope, wanted: str, path: Path) -> Field:
    """``pets.animal`` → the column of the model that a single row belongs to."""
    for relationship in compiler.schema.relationships.values():
        hops = compiler.schema.step(relationship.id, scope.model.id)
        if not hops or not all(hop.single for hop in hops):
            continue
        model = compiler.schema.models[hops[-1].model]
        for name in (model.name, relationship.name):
            if name and wanted.startswith(f"{name}."):
                return Field(wanted.removeprefix(f"{name}."), via=(relationship.id,))
    raise refused(path, "unknown_column", f"There is no merged column “{wanted}” in {scope.model.name}.")


def _parsed(sql: str, dialect: str, path: Path) -> Parsed:
    if not sql.strip() or len(sql) > LONGEST:
        raise refused(path, "trait_sql", f"Write a SQL expression of at most {LONGEST:,} characters.")
    if _MARK in sql.lower():
        raise refused(path, "trait_sql", f"The name “{_MARK}” is Headrace's own.")
    names = [found["name"] for found in _REFERENCE.finditer(sql)]
    numbers = iter(range(len(names)))
    marked = _REFERENCE.sub(lambda _: f"{_MARK}{next(numbers)}", sql)
    try:
        trees = sqlglot.parse(marked, read=dialect)
    except (SqlglotError, RecursionError) as error:
        raise refused(path, "trait_sql", f"This is not SQL that can be read: {_reason(error)}.") from None
    tree = trees[0] if len(trees) == 1 else None
    if tree is None or not isinstance(tree, exp.Condition):
        raise refused(path, "trait_sql", "This has to be one SQL expression, without an AS behind it.")
    forbidden = (exp.Query, exp.Command, exp.DDL, exp.DML, exp.Parameter, exp.Placeholder)
    if any(isinstance(node, forbidden) for node in tree.walk()):
        raise refused(path, "trait_sql", "A query inside a trait is not possible: refer to columns and other traits.")
    return Parsed(tree, _uses(tree, names, path))


def _uses(tree: exp.Expr, names: list[str], path: Path) -> dict[str, list[exp.Expr]]:
    found: dict[str, list[exp.Expr]] = {name: [] for name in names}
    count = 0
    for node in tree.find_all(exp.Column):
        if _is_mark(node):
            found[names[int(node.name.lower().removeprefix(_MARK))]].append(node)
            count += 1
    if count != len(names):
        raise refused(path, "trait_sql", "A reference in braces stands where no column can stand, such as in a text.")
    return found


def _is_mark(node: exp.Column) -> bool:
    return node.name.lower().startswith(_MARK)


def _reason(error: Exception) -> str:
    errors = getattr(error, "errors", None)
    return str(errors[0]["description"] if errors else "it is too deep").rstrip(".")
