"""Rules over declarations. Each returns what is wrong, in words; nothing means all is well."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from connectors.sdk.destination import Destination, DestinationDefinition, Mode, Removal, RowSet, SyncType
from connectors.sdk.fields import CredentialPicker, Field, Listed, Section, Select, Text
from connectors.sdk.modes import DROPS_REPEATED
from connectors.sdk.rest import RestDestination
from connectors.sdk.source import Source
from connectors.sdk.validation import InvalidSettings, clean, default_of

_CREDENTIAL = re.compile(
    r"password|secret|token(?!_url)|api_?key|private_?key|passphrase|client_key|credential", re.IGNORECASE
)
_FORBIDDEN_IMPORTS = ("requests", "httpx", "urllib.request", "urllib3", "aiohttp", "django", "dramatiq", "random")
_FORBIDDEN_CALLS = ("time.sleep", "asyncio.sleep", "print", "os.getenv", "os.environ")
_WORDS = re.compile(r"[A-Z0-9“].*", re.DOTALL)


def every_field(fields: Sequence[Field], prefix: str = "") -> Iterator[tuple[str, Field]]:
    """Fields with their paths, those inside sections too."""
    for declared in fields:
        yield prefix + declared.name, declared
        if isinstance(declared, Section):
            yield from every_field(declared.fields, f"{prefix}{declared.name}.")


def credential_problems(fields: Sequence[Field]) -> list[str]:
    """Fields that look like credentials are secret."""
    return [
        f"{path} looks like a credential and is not secret"
        for path, f in every_field(fields)
        if _CREDENTIAL.search(f.name) and not f.secret and not isinstance(f, Section | Select | CredentialPicker)
    ]


def field_problems(fields: Sequence[Field]) -> list[str]:
    """Fields have words for people, unique names, sound conditions and defaults of their own type."""
    problems = [f"{path} is declared twice" for path in _twice(p for p, _ in every_field(fields))]
    for path, declared in every_field(fields):
        if not _WORDS.fullmatch(declared.label):
            problems.append(f"{path} has no proper label")
        if isinstance(declared, Select) and not (declared.choices or declared.discover or declared.column):
            problems.append(f"{path} offers nothing to choose from")
        default = default_of(declared)
        if not isinstance(declared, Section) and not (default is None or default in ("", [])):
            problems += _default_problems(path, declared, default)
    return problems + list(_condition_problems(fields))


def _default_problems(path: str, declared: Field, default: object) -> list[str]:
    try:
        clean([declared], {declared.name: default})
    except InvalidSettings as error:
        return [f"{path} has a default that it would refuse: {error.message}"]
    return []


def _condition_problems(fields: Sequence[Field]) -> Iterator[str]:
    names = {f.name for f in fields}
    for declared in fields:
        if declared.when is not None and declared.when.field not in names:
            yield f"{declared.name} depends on {declared.when.field}, which does not exist"
        if isinstance(declared, Section):
            yield from _condition_problems(declared.fields)


def consent_problems(connector: type[Any]) -> list[str]:
    """Who says that people sign in on the service's page says how, and shows the address to register there."""
    declared = connector.definition.connects
    answers = _consents(connector)
    if declared is None:
        return ["consent() is never asked, as the definition does not say `connects`"] if answers else []
    paths = dict(every_field(connector.definition.fields))
    problems = [] if answers else ["`connects` is declared and consent() is missing"]
    if declared.field not in paths:
        problems.append(f"`connects` names {declared.field}, which is no setting")
    if not any(isinstance(f, Text) and f.redirects for f in paths.values()):
        problems.append("no field shows the redirect address")
    return problems


def _consents(connector: type[Any]) -> bool:
    if issubclass(connector, RestDestination):
        return connector.api.sign_in.connects is not None
    return getattr(connector, "consent", None) not in (None, Source.consent, Destination.consent)


def picker_problems(connector: type[Any], fields: Sequence[Field]) -> list[str]:
    """What is listed comes from a method that takes just the settings it depends on."""
    problems = []
    for path, declared in every_field(fields):
        if not isinstance(declared, Listed) or not declared.discover:
            continue
        method = getattr(connector, declared.discover, None)
        if method is None:
            problems.append(f"{path} asks {declared.discover}(), which is missing")
            continue
        try:
            inspect.signature(method).bind(None, **dict.fromkeys(declared.depends))
        except TypeError as error:
            problems.append(f"{path} cannot ask {declared.discover}(): {error}")
        names = {name for name, _ in every_field(fields)}
        problems += [f"{path} depends on {name}, which is no setting" for name in declared.depends if name not in names]
    return problems


def match_problems(connector: type[Any]) -> list[str]:
    """Who says that a sync type tells whom the service recognised says how, and nobody else is ever asked."""
    declared = any(kind.match_stats for kind in connector.definition.sync_types)
    answers = connector.match_stats is not Destination.match_stats
    if declared == answers:
        return []
    return ["match_stats() is never asked"] if answers else ["`match_stats` is declared and match_stats() is missing"]


def listing_problems(connector: type[Any]) -> list[str]:
    """Who says that it lists the audiences of its accounts says how, and nobody else is ever asked."""
    declared = connector.definition.lists_audiences
    answers = connector.audiences_there is not Destination.audiences_there
    if declared == answers:
        return []
    return [
        "audiences_there() is never asked"
        if answers
        else "`lists_audiences` is declared and audiences_there() is missing"
    ]


def check_problems(connector: type[Any]) -> list[str]:
    """A web service's connection is tested by a declared request or by ``check()``, never by both."""
    if not issubclass(connector, RestDestination):
        return []
    declared, own = connector.api.test is not None, connector.check is not RestDestination.check
    if declared != own:
        return []
    return ["`test` is never sent, as check() does more"] if own else ["nothing says how to test the connection"]


def definition_problems(definition: DestinationDefinition) -> list[str]:
    """Names, words and sync types are there and fit together."""
    problems = []
    for name in ("key", "name", "category", "summary", "docs_url"):
        if not getattr(definition, name).strip():
            problems.append(f"{name} is empty")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", definition.key):
        problems.append(f"the key {definition.key} is not lower_case")
    if not definition.sync_types:
        problems.append("there are no sync types")
    problems += [f"sync type {key} is declared twice" for key in _twice(t.key for t in definition.sync_types)]
    return problems + [p for t in definition.sync_types for p in sync_type_problems(t)]


def sync_type_problems(sync_type: SyncType) -> list[str]:
    """Modes, removals and limits are sound."""
    limits, problems = sync_type.limits, []
    if not sync_type.modes:
        problems.append(f"{sync_type.key} has no modes")
    problems += [f"mode {m} is declared twice" for m in _twice(spec.mode for spec in sync_type.modes)]
    if limits.batch_rows < 1 or limits.batch_bytes < 1 or limits.concurrency < 1 or limits.attempts < 1:
        problems.append(f"{sync_type.key} has a limit below 1")
    if not 0 < limits.timeout_s <= 3600:
        problems.append(f"{sync_type.key} has no sensible time-out")
    if not sync_type.mapping and not sync_type.all_columns:
        problems.append(f"{sync_type.key} gets neither mapped fields nor all columns")
    for spec in sync_type.modes:
        if Removal.NOTHING not in spec.removals:
            problems.append(f"{spec.mode} does not let removed rows be")
        if spec.rows in (RowSet.ADDED, RowSet.FULL) and spec.removals != (Removal.NOTHING,):
            problems.append(f"{spec.mode} promises removals that it never gets")
        told = sync_type.single_writer or spec.description.endswith(DROPS_REPEATED)
        if spec.mode == Mode.INSERT and spec.idempotent and not told:
            problems.append(f"{spec.mode} cannot be idempotent: inserting twice makes two")
        if not _WORDS.fullmatch(spec.description):
            problems.append(f"{spec.mode} is not described")
    return problems


def source_problems(text: str) -> list[str]:
    """What connector code may not do: bring its own HTTP client, wait, log payloads, swallow everything."""
    tree = ast.parse(text)
    problems = [f"imports {name}" for name in _imports(tree) if _forbidden(name)]
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and node.type is None:
            problems.append(f"line {node.lineno}: bare except")
        if isinstance(node, ast.Call | ast.Attribute):
            called = ast.unparse(node.func if isinstance(node, ast.Call) else node)
            if called in _FORBIDDEN_CALLS:
                problems.append(f"line {node.lineno}: {called}")
        if isinstance(node, ast.Raise) and _raised(node) in ("Exception", "ValueError", "RuntimeError"):
            problems.append(f"line {node.lineno}: raises a plain {_raised(node)}")
    return problems


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def _forbidden(name: str) -> bool:
    return any(name == banned or name.startswith(banned + ".") for banned in _FORBIDDEN_IMPORTS)


def _raised(node: ast.Raise) -> str:
    raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
    return raised.id if isinstance(raised, ast.Name) else ""


def files_of(module: str) -> list[Path]:
    """The files of a connector: its module, or every module of its package."""
    base = Path(__file__).resolve().parents[3] / Path(*module.split("."))
    return sorted(base.glob("*.py")) if base.is_dir() else [base.with_suffix(".py")]


def _twice(names: Iterator[str]) -> list[str]:
    seen = list(names)
    return sorted({name for name in seen if seen.count(name) > 1})
