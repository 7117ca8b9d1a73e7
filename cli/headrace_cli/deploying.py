"""Copying models and syncs to another workspace."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import click

from headrace_cli.client import Client, Json
from headrace_cli.output import cell, notes, print_table, say
from headrace_cli.profiles import Profile

Answers = dict[str, dict[str, str]]


class Deployment:
    """A deployment to be planned and then made. The other workspace's key travels in a header of its own."""

    def __init__(
        self, client: Client, target: Profile, items: Iterable[Json], *, answers: Answers, schedule: bool
    ) -> None:
        self._client = client
        self._headers = {"X-Target-Authorization": f"Bearer {target.key}"}
        self._body = {"items": list(items), "includeSchedule": schedule, "answers": answers}

    def plan(self) -> Json:
        """What would change in the other workspace, and what is in the way."""
        return self._client.post("/deployments/plan", self._body, self._headers)

    def apply(self, digest: str) -> Json:
        """Deploy what was planned; the server refuses where either side has changed since."""
        return self._client.post("/deployments", {**self._body, "digest": digest}, self._headers)


def item_of(client: Client, kind: str, wanted: str) -> Json:
    """A model or sync as the API takes it."""
    if kind not in ("model", "sync"):
        raise click.UsageError("Models and syncs can be deployed: model/customers, sync/orders.")
    return {"kind": kind, "id": client.find(kind, wanted)["id"]}


def answers_of(given: Iterable[str], items: Mapping[str, Json]) -> Answers:
    """``sync/orders:setting.table=public.orders`` by the item's key in the API."""
    found: Answers = {}
    for answer in given:
        name, equals, value = answer.partition("=")
        resource, colon, path = name.rpartition(":")
        if not equals or not colon or resource not in items:
            raise click.UsageError(f"“{name}”: give answers as RESOURCE:PATH=VALUE, with a resource that is deployed.")
        item = items[resource]
        found.setdefault(f"{item['kind']}:{item['id']}", {})[path] = value
    return found


def show_plan(plan: Json) -> None:
    """A plan for people."""
    say(f"To {plan['target']['name']}:")
    print_table(("Action", "Kind", "Name"), ((item["action"], item["kind"], item["name"]) for item in plan["items"]))
    for item in plan["items"]:
        for change in item["changes"]:
            notes.print(f"  {item['kind']} {cell(item['name'])}: {cell(change['path'])}", markup=False)
            notes.print(f"    - {cell(change['before'])}", style="red", markup=False)
            notes.print(f"    + {cell(change['after'])}", style="green", markup=False)
        for problem in (*item["problems"], *item["warnings"]):
            say(f"  {item['name']}: {problem['message']}")
        for question in item["questions"]:
            chosen = "given" if question["secret"] and question["value"] else question["value"] or "has to be answered"
            say(f"  {item['name']}: {question['label']} ({question['path']}): {chosen}")


def show_outcome(deployment: Json) -> None:
    """What became of a deployment."""
    for item in deployment["items"]:
        say(f"{item['kind']} {item['name']}: {item['state']}" + (f". {item['error']}" if item["error"] else ""))
