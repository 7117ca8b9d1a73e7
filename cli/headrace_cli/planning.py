"""What the next run of a sync would do, without doing it."""

from __future__ import annotations

from headrace_cli.client import Client, Json
from headrace_cli.errors import CliError
from headrace_cli.output import notes, print_table, say
from headrace_cli.running import counts, wait

OVER = {"ready", "failed", "cancelled"}


def make_plan(client: Client, sync: Json, *, sample: int, timeout: float | None, quiet: bool) -> Json:
    """Ask the server for a preview of the next run and wait for it; the plan as ``--json`` prints it."""
    started = client.post(f"/syncs/{sync['id']}/previews")
    path = f"/syncs/{sync['id']}/previews/{started['id']}"

    def read() -> Json:
        return client.get(path, limit=max(sample, 1))

    if quiet:
        preview = wait(read, lambda found: found["status"] in OVER, timeout)
    else:
        with notes.status("Querying and comparing"):
            preview = wait(read, lambda found: found["status"] in OVER, timeout)
    if preview["status"] != "ready":
        raise CliError(f"The plan was not made: {preview['error'] or preview['status']}.")
    return _plan(sync, preview, sample)


def show_plan(plan: Json) -> None:
    """A plan for people."""
    numbers = ", ".join(f"{plan['counts'][name]:,} {name}" for name in ("added", "changed", "removed"))
    say(f"{plan['sync']['name']}: {plan['querySize']:,} rows queried; the next run would send {numbers}.")
    for line in (*plan["steps"], *plan["warnings"]):
        say(f"  {line}")
    if plan["sample"]:
        rows = [(row["operation"] or "rejected", row["key"], row["values"], row["message"]) for row in plan["sample"]]
        print_table(("Operation", "Key", "Values", "Message"), rows)


def _plan(sync: Json, preview: Json, sample: int) -> Json:
    planned = counts(preview, "plannedRows")
    return {
        "sync": {"id": sync["id"], "slug": sync["slug"], "name": sync["name"]},
        "changes": any(planned.values()),
        "counts": planned,
        "querySize": preview["querySize"],
        "steps": preview["plan"],
        "warnings": preview["warnings"],
        "requests": preview["requests"],
        "sample": preview["rows"][:sample],
        "previewId": preview["id"],
    }
