"""Every service has an actor and leaves one audit event of a registered type."""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path

from governance.audit import events
from governance.audit.services import SERVICES
from tests.invariants import tree
from tests.invariants.test_writes import writes_in

# Public functions in services that take an actor but are no service of their own.
EXEMPT: dict[str, str] = {}


def service_files() -> list[Path]:
    return [path for path in tree.files(*tree.APPS) if tree.is_service(path) and "audit" not in path.parts]


def import_all() -> None:
    for path in service_files():
        importlib.import_module(".".join(path.with_suffix("").parts).removesuffix(".__init__"))


def functions(path: Path) -> Iterator[ast.FunctionDef]:
    return (node for node in tree.tree(path).body if isinstance(node, ast.FunctionDef))


def is_decorated(function: ast.FunctionDef) -> bool:
    return any(
        isinstance(decorator, ast.Call) and tree.dotted(decorator)[-1:] == ["service"]
        for decorator in function.decorator_list
    )


def test_public_functions_with_an_actor_are_services() -> None:
    found = [
        (path, function.lineno)
        for path in service_files()
        for function in functions(path)
        if not function.name.startswith("_")
        and "actor" in [argument.arg for argument in (*function.args.args, *function.args.kwonlyargs)]
        and any(True for _ in writes_in(function))
        and not is_decorated(function)
    ]
    assert tree.unexplained(found, EXEMPT) == [], "decorate it with @service, or make it a private helper"


def test_every_service_names_a_registered_event_and_a_keyword_only_actor() -> None:
    import_all()
    assert SERVICES
    for name, service in SERVICES.items():
        assert events.get(service.event).name == service.event
        parameter = inspect.signature(service.function).parameters["actor"]
        assert parameter.kind is inspect.Parameter.KEYWORD_ONLY, name
        assert parameter.default is inspect.Parameter.empty, name


def test_every_event_type_is_left_by_a_service() -> None:
    import_all()
    used = {service.event for service in SERVICES.values()}
    assert [e.name for e in events.all_types() if not e.observed and e.name not in used] == []


def test_every_observed_event_type_is_recorded_somewhere() -> None:
    """``record_event`` and its callers name the event as a literal, outside the file that registers it."""
    named = {
        node.value
        for path in tree.shell_files()
        if "events" not in path.stem
        for node in ast.walk(tree.tree(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    observed = {event.name for event in events.all_types() if event.observed}
    assert observed - named == set()
    assert observed & {service.event for service in SERVICES.values()} == set()


def test_service_names_begin_with_a_verb_and_name_a_thing() -> None:
    import_all()
    assert [name for name in SERVICES if "_" not in name.rpartition(".")[2]] == []
