"""Tasks and projects of Asana: found, then written, and their lists step by step."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from connectors.destinations.asana.settings import (
    CUSTOM,
    EXTERNAL,
    PAGE,
    PARENT,
    PARENT_EXTERNAL,
    PROJECT_LISTS,
    TASK_LISTS,
)
from connectors.sdk.rest import Record, Results, Work, one_by_one
from connectors.sdk.rest.work import text
from connectors.sdk.rows import dumps

AT_ONCE = 4
Current = dict[str, Record]


def listed(value: Any) -> list[str]:
    """IDs: one, several between commas, or a list."""
    many = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else [value]
    return [told for each in many if each is not None and (told := text(each).strip())]


async def write_tasks(work: Work) -> Results:
    """Found by external ID or ID, with the lists that they are in; then made, changed, completed or deleted."""
    known: Current = {}

    async def create(record: Record) -> None:
        told = {**await body_of(work, record), "workspace": work.settings["workspace"]}
        told |= {name: listed(record[name]) for name in TASK_LISTS if record.get(name) is not None}
        if parent := await parent_of(work, record):
            told["parent"] = parent
        await work.line.post("tasks", {"data": {**told, EXTERNAL: {"gid": text(record[EXTERNAL])}}})

    async def change(record: Record, key: str) -> None:
        await put(work, f"tasks/{key}", record)
        await reconcile(work, f"tasks/{key}", record, known[key], TASK_LISTS)
        if PARENT in record or PARENT_EXTERNAL in record:
            parent = await parent_of(work, record)
            if parent != ((known[key].get(PARENT) or {}).get("gid")):
                await work.line.post(f"tasks/{key}/setParent", {"data": {"parent": parent}})

    async def remove(record: Record, key: str) -> None:
        if work.settings["removal"] == "delete":
            await work.line.send("DELETE", f"tasks/{key}", takes=(404,))
        else:
            await work.line.send("PUT", f"tasks/{key}", json={"data": {"completed": True}}, takes=(404,))

    prefix = "tasks/external:" if work.match == EXTERNAL else "tasks/"
    found = await work.look_up(asking(work, prefix, (*TASK_LISTS, PARENT), known), chunk=1, at_once=AT_ONCE)
    return await one_by_one(work, found, create=create, change=change, remove=remove, at_once=AT_ONCE)


async def write_projects(work: Work) -> Results:
    """Found by ID, then changed."""
    known: Current = {}

    async def change(record: Record, key: str) -> None:
        await put(work, f"projects/{key}", record)
        await reconcile(work, f"projects/{key}", record, known[key], PROJECT_LISTS)

    found = await work.look_up(asking(work, "projects/", PROJECT_LISTS, known), chunk=1, at_once=AT_ONCE)
    return await one_by_one(work, found, change=change, at_once=AT_ONCE)


def asking(
    work: Work, prefix: str, lists: Sequence[str] | Mapping[str, Any], known: Current
) -> Callable[[Sequence[str]], Awaitable[list[tuple[str, str]]]]:
    """Asks for a record, with what of it the row may change only step by step; what it is now goes into ``known``."""
    mapped = {each.name.partition(".")[0] for each in work.job.fields}
    query = {"opt_fields": ",".join(["gid", *(f"{name}.gid" for name in lists if name in mapped)])}

    async def ask(values: Sequence[str]) -> list[tuple[str, str]]:
        answer = await work.line.send("GET", f"{prefix}{quote(values[0], safe='')}", query=query, takes=(404,))
        if answer.status == 404:
            return []
        told = answer.json()["data"]
        known[str(told["gid"])] = told
        return [(values[0], told["gid"])]

    return ask


async def put(work: Work, path: str, record: Record) -> None:
    """Change what can be set directly."""
    if told := await body_of(work, record):
        await work.line.send("PUT", path, json={"data": told})


async def reconcile(
    work: Work, path: str, record: Record, now: Record, lists: Mapping[str, tuple[str, str, str]]
) -> None:
    """Add what a row names and the record lacks, take away what the row does not name."""
    for name, (adds, takes, sent) in lists.items():
        if name not in record:
            continue
        wanted, there = listed(record[name]), [str(each["gid"]) for each in now.get(name) or ()]
        for action, gids in (
            (adds, [g for g in wanted if g not in there]),
            (takes, [g for g in there if g not in wanted]),
        ):
            # Followers go together, projects and tags one by one.
            for part in [gids] if sent == name and gids else gids if sent != name else []:
                await work.line.post(f"{path}/{action}", {"data": {sent: part}})


async def parent_of(work: Work, record: Record) -> str | None:
    """The ID of the task that a row is to belong to."""
    if record.get(PARENT_EXTERNAL) is not None:
        name = quote(text(record[PARENT_EXTERNAL]), safe="")
        return str((await work.line.get(f"tasks/external:{name}", {"opt_fields": "gid"}))["data"]["gid"])
    return text(record[PARENT]) if record.get(PARENT) is not None else None


async def body_of(work: Work, record: Record) -> Record:
    """What can be set directly; custom fields apart, each in the way of its type."""
    apart = {EXTERNAL, "gid", PARENT, PARENT_EXTERNAL, *TASK_LISTS}
    told = {name: value for name, value in record.items() if name not in apart and not name.startswith(CUSTOM)}
    kinds = {each.name: each.native_type for each in work.job.fields}
    custom = {name: value for name, value in record.items() if name.startswith(CUSTOM)}
    if custom:
        options = await options_of(work) if any("enum" in kinds[name] for name in custom) else {}
        told["custom_fields"] = {
            name.removeprefix(CUSTOM): custom_value(value, kinds[name], options.get(name, {}))
            for name, value in custom.items()
        }
    return told


def custom_value(value: Any, kind: str, options: Mapping[str, str]) -> Any:
    """A custom field's value: options by name or ID, dates as objects, people and several options as lists."""
    if kind in ("multi_enum", "people"):
        return [options.get(each, each) for each in listed(value)]
    if value is None:
        return None
    if kind == "enum":
        return options.get(text(value), text(value))
    if kind == "date":
        told = text(value)
        return {"date_time": told} if len(told) > len("2026-01-31") else {"date": told}
    if isinstance(value, dict | list):
        return dumps(value).decode()
    return value if kind == "number" else text(value)


async def options_of(work: Work) -> Mapping[str, Mapping[str, str]]:
    """The options of custom fields by name, asked for once a session."""
    if "options" not in work.memo:
        pages = work.line.pages(
            f"workspaces/{work.settings['workspace']}/custom_fields", "data", next_page, custom_query()
        )
        work.memo["options"] = {
            f"{CUSTOM}{each['gid']}": {option["name"]: option["gid"] for option in each.get("enum_options") or ()}
            async for each in pages
        }
    told: Mapping[str, Mapping[str, str]] = work.memo["options"]
    return told


def custom_query() -> Record:
    """What is asked of custom fields."""
    return {"opt_fields": "name,resource_subtype,enum_options.name", "limit": PAGE}


def next_page(answer: Record) -> Record | None:
    """How to ask for the next page."""
    return {"offset": answer["next_page"]["offset"]} if answer.get("next_page") else None
