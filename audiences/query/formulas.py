"""SQL that people write in traits: parsed into a tree, with its references to columns and traits put in as nodes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from audiences.query import traits
from audiences.query.conditions import Field, FormulaTrait
from audiences.query.errors import InvalidTree, Path, refused
from audiences.query.functions import forbidden_in
from audiences.query.schema import SavedTrait, StudioSchema, Surface
from audiences.query.scope import Scope

if TYPE_CHECKING:
    from audiences.query.compiler import At, Compiler

_REFERENCE = re.compile(r'\{\{\s*(?:column\s+)?"(?P<name>[^"{}]+)"\s*\}\}')
_MARK = "headrace_reference_"
MERGED = "merged."
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


def names_in(sql: str, dialect: str) -> list[str]:
    """All columns and traits that a formula names, in braces or not."""
    found = references(sql)
    try:
        tree = _parsed(sql, dialect, ()).tree
    except InvalidTree:
        return found
    bare = [node.name for node in tree.find_all(exp.Column) if not _is_mark(node)]
    return list(dict.fromkeys([*found, *bare]))


def with_ids(sql: str, schema: StudioSchema, model: str) -> str:
    """The formula as it is stored: it refers to traits by id, so that they can be renamed."""
    return _renamed(sql, lambda wanted: _named(schema, model, wanted), lambda trait: trait.id)


def with_names(sql: str, schema: StudioSchema, model: str) -> str:
    """A stored formula as people read it: it refers to traits by name."""
    return _renamed(sql, lambda wanted: trait_named(schema, model, wanted), reference_of)


def reference_of(trait: SavedTrait) -> str:
    """What stands behind ``trait.`` for a trait: its name, where that can stand in braces."""
    return trait.id if set('"{}') & set(trait.name) else trait.name


def _renamed(sql: str, find: Callable[[str], SavedTrait | None], written: Callable[[SavedTrait], str]) -> str:
    def change(found: re.Match[str]) -> str:
        name = found["name"]
        trait = find(name.removeprefix(_TRAIT)) if name.startswith(_TRAIT) else None
        return f'{{{{"{_TRAIT}{written(trait)}"}}}}' if trait else found[0]

    return _REFERENCE.sub(change, sql)


def trait_named(schema: StudioSchema, model: str, wanted: str) -> SavedTrait | None:
    """The trait of a model with this id, or else this name."""
    found = schema.traits.get(wanted)
    return found if found and found.model == model else _named(schema, model, wanted)


def _named(schema: StudioSchema, model: str, wanted: str) -> SavedTrait | None:
    mine = (trait for trait in schema.traits.values() if trait.model == model)
    return next((trait for trait in mine if trait.name == wanted), None)


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
        trait = trait_named(compiler.schema, scope.model.id, wanted)
        if trait is None:
            raise refused(path, "unknown_trait", f"There is no trait “{wanted}” on {scope.model.name}.")
        return traits.saved(compiler, scope, trait.id, at, surface=surface).node
    if name.startswith(MERGED):
        merged = merged_field(compiler.schema, scope.model.id, name)
        if merged is None:
            wanted = name.removeprefix(MERGED)
            raise refused(path, "unknown_column", f"There is no merged column “{wanted}” in {scope.model.name}.")
        return scope.value(merged, path, surface).node
    return scope.value(Field(name), path, surface).node


def merged_field(schema: StudioSchema, model: str, reference: str) -> Field | None:
    """``merged.pets.animal`` → the column of the model that a single row belongs to."""
    wanted = reference.removeprefix(MERGED)
    for relationship in schema.relationships.values():
        hops = schema.step(relationship.id, model)
        if not hops or not all(hop.single for hop in hops):
            continue
        for name in (schema.models[hops[-1].model].name, relationship.name):
            if name and wanted.startswith(f"{name}."):
                return Field(wanted.removeprefix(f"{name}."), via=(relationship.id,))
    return None


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
    if called := forbidden_in(tree):
        message = f"Traits cannot call “{called}”. Somebody who configures the schema can do so in the model's query."
        raise refused(path, "trait_sql", message)
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
