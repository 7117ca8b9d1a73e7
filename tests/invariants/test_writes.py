"""One door for writes: only services change rows."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.invariants import tree

# Methods that only the ORM has.
WRITES = {"save", "bulk_create", "bulk_update", "get_or_create", "update_or_create"}
WRITES |= {f"a{name}" for name in WRITES} | {"acreate", "adelete", "aupdate"}
# Methods that dicts and clients have too: writes when called on a query set or a manager.
AMBIGUOUS = {"create", "delete", "update"}
QUERYSET_WORDS = {"objects", "_base_manager", "_default_manager", "filter", "exclude", "all", "select_for_update"}
WRITING_SQL = re.compile(r"\b(INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|MERGE\s+INTO|TRUNCATE)\b")

EXEMPT = {
    "syncs/journal.py": "the worker's group-commit record of each batch, thousands a second: run history, not change",
    "workspaces/adapters.py": "the account library's own record of a sign-in elsewhere, which a signal logs",
    "workspaces/models/people.py": "the user manager's create_user, called by the accounts service and by allauth",
}


def writes_in(module: ast.AST) -> Iterator[int]:
    """Line numbers of calls that write rows."""
    for node in ast.walk(module):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        name, receiver = node.func.attr, tree.dotted(node.func.value)
        on_queryset = bool(QUERYSET_WORDS & set(receiver))
        own_method = name == "save" and receiver == ["self"] and node.args  # the ORM's takes keywords
        bare_delete = name == "delete" and not node.args and not node.keywords and len(receiver) == 1
        if (name in WRITES and not own_method) or (name in AMBIGUOUS and on_queryset) or bare_delete:
            yield node.lineno
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and WRITING_SQL.search(node.value):
            yield node.lineno


def test_only_services_write() -> None:
    found = [
        (path, line) for path in tree.shell_files() if not tree.is_service(path) for line in writes_in(tree.tree(path))
    ]
    assert tree.unexplained(found, EXEMPT) == [], "move the write into a service function of the app's services.py"


@pytest.mark.parametrize(
    "code",
    [
        "sync.save()",
        "Sync.objects.create(name=1)",
        "Sync.objects.filter(pk=1).update(name=1)",
        "self.get_object().runs.all().delete()",
        "sync.delete()",
        "Sync.objects.bulk_create(rows)",
        "await Sync.objects.acreate()",
        "self.save()",
        'cursor.execute("INSERT INTO sync VALUES (1)")',
    ],
)
def test_the_detector_sees_writes(code: str) -> None:
    assert list(writes_in(ast.parse(textwrap.dedent(f"async def f():\n    {code}"))))


@pytest.mark.parametrize(
    "code",
    ["context.update(a=1)", "self.save(form, name)", "client.delete('key')", "cache.update({})", "Path.create()"],
)
def test_the_detector_lets_other_objects_be(code: str) -> None:
    assert not list(writes_in(ast.parse(code)))


def test_services_are_recognised_by_place() -> None:
    assert tree.is_service(Path("syncs/services.py"))
    assert tree.is_service(Path("syncs/services/runs.py"))
    assert not tree.is_service(Path("syncs/views.py"))
