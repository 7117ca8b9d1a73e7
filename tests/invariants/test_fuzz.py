"""The served OpenAPI document, asked everything it allows: as every role, with ids of both organizations.

Whatever is sent, nothing answers with a server error, and nothing of another
organization shows or is changed. More of it: ``FUZZ_EXAMPLES=500 pytest tests/invariants/test_fuzz.py``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest
import schemathesis
from django.apps import apps
from django.db.models import CharField, Value
from django.db.models.functions import Concat
from django.test import Client
from django.urls import resolve
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import APIOperation, Case

from governance.audit.models import AuditEntry
from tests.invariants.addresses import parameter
from tests.invariants.conftest import undone
from tests.invariants.walks import every
from tests.support.grids import WHOLE
from tests.world import BUILDER, PEOPLE, Place, World
from workspaces import services
from workspaces.scoping import TenantModel, unscoped, workspace_scope

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "10" if WHOLE else "2"))
# The document's operations are asked in so many tests.
PARTS = 6
SECRET = "globex-secret"
CALLERS = ("owner", *PEOPLE)
Operation = APIOperation[Any, Any, Any, Any]
# Bodies that ask other systems would leave this machine; their services have tests of their own.
OUTBOUND = frozenset({"POST /api/v1/tunnels/{tunnel_id}/check", "PUT /api/v1/storage", "POST /api/v1/storage/check"})

# Parameters of addresses that are words of the house, and the same in every workspace.
WORDS = frozenset({"key"})


@cache
def operations() -> list[Operation]:
    """Every operation of the document as it is served."""
    document = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    found = [result.ok() for result in schemathesis.openapi.from_dict(document).get_all_operations()]  # type: ignore[union-attr]
    return [operation for operation in found if operation.label not in OUTBOUND]


@pytest.fixture(scope="module")
def keys(built: World) -> dict[str, str]:
    """An API key of each person of acme, once everything of globex has a name that gives it away."""
    with workspace_scope(built.globex.workspace.pk):
        for model in apps.get_models():
            names = [f for f in model._meta.fields if f.name == "name" and isinstance(f, CharField)]
            if issubclass(model, TenantModel) and names:
                model.objects.update(name=Concat(Value(f"{SECRET} "), "name"))  # type: ignore[misc]
    with workspace_scope(built.acme.workspace.pk):
        return {
            who: services.create_api_key(
                actor=BUILDER, workspace=built.acme.workspace, name=who, owner=built[who]
            ).secret
            for who in CALLERS
        }


def with_ids(value: Any, place: Place) -> Any:
    """A body whose ids are those of rows of this place, wherever there is such a row."""
    if isinstance(value, Mapping):
        return {name: _id(name, place) or with_ids(inner, place) for name, inner in value.items()}
    return [with_ids(inner, place) for inner in value] if isinstance(value, list) else value


def _id(name: str, place: Place) -> str | None:
    if not name.endswith("Id"):
        return None
    try:
        return str(parameter("api:any", f"{name.removesuffix('Id').lower()}_id", place))
    except KeyError:
        return None


def send(secret: str, case: Case[Any], place: Place, body: Any) -> Any:
    """The request that a case stands for."""
    named = case.path_parameters or {}
    route = resolve(case.operation.path.format(**dict.fromkeys(named, "1"))).view_name
    values = {name: parameter(route, name, place) for name in named}
    query = {str(name): value for name, value in (case.query or {}).items()}
    client = Client(raise_request_exception=True, headers={"Authorization": f"Bearer {secret}"})
    address = case.operation.path.format(**values)
    if case.method == "GET":
        return client.get(address, query)
    return client.generic(case.method, address, _json(body), content_type="application/json")


def _json(body: Any) -> bytes:
    return b"" if type(body).__name__ == "NotSet" else json.dumps(body).encode()


@pytest.mark.parametrize("part", range(PARTS))
def test_nothing_breaks_and_nothing_leaks(shared_world: World, keys: dict[str, str], part: int) -> None:
    asked = {operation.label: operation for operation in operations()[part::PARTS]}
    every(asked, lambda label: bears_anything(asked[label], shared_world, keys))


def bears_anything(operation: Operation, world: World, keys: dict[str, str]) -> None:
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=EXAMPLES < 100,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(), who=st.sampled_from(CALLERS), foreign=st.booleans(), theirs=st.booleans())
    def ask(case: Case[Any], who: str, foreign: bool, theirs: bool) -> None:
        place = world.globex if foreign else world.acme
        body = with_ids(case.body, world.globex if theirs else world.acme)
        with undoing():
            answer = send(keys[who], case, place, body)
            said = answer.content.decode()
            assert answer.status_code < 500, said[:500]
            assert SECRET not in said
            if foreign and set(case.path_parameters or ()) - WORDS:
                assert answer.status_code >= 400, said[:500]
            with unscoped("the test looks for changes across the wall"):
                entries = AuditEntry.objects.filter(workspace_id=world.globex.workspace.pk)
                assert entries.count() == before

    with unscoped("the test looks for changes across the wall"):
        before = AuditEntry.objects.filter(workspace_id=world.globex.workspace.pk).count()
    ask()


class undoing:  # noqa: N801 - reads as a statement
    """What one request changes is gone before the next."""

    def __enter__(self) -> None:
        self._atomic = undone()
        self._atomic.__enter__()

    def __exit__(self, *details: Any) -> None:
        from django.db import transaction

        transaction.set_rollback(True)
        self._atomic.__exit__(None, None, None)


def test_every_operation_is_asked() -> None:
    labels = {operation.label for operation in operations()}
    assert len(labels) > 50
    assert not OUTBOUND & labels
