"""Asana: tasks, also with IDs of your own, and projects.

https://developers.asana.com/reference/rest-api-reference; IDs of your own belong to the app that gave them:
https://developers.asana.com/docs/custom-external-data
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from connectors.destinations.asana.records import custom_query, next_page, write_projects, write_tasks
from connectors.destinations.asana.settings import CUSTOM, DEFINITION, PAGE, PROJECT, SIGN_IN, TASK
from connectors.sdk.destination import DestinationField, Job, Mode, Removal
from connectors.sdk.errors import ConfigError
from connectors.sdk.rest import Api, Record, RestDestination, field
from connectors.sdk.types import Choice

# Types of custom fields that can be set: formulas and IDs are Asana's own.
TYPES = {
    "text": "text",
    "number": "number",
    "date": "date",
    "enum": "text",
    "multi_enum": "any",
    "people": "any",
}


class AsanaDestination(RestDestination):
    """What an Asana user may see and change."""

    api = Api(
        base="https://app.asana.com/api/1.0",
        version="1.0",
        sign_in=SIGN_IN,
        test=("GET", "users/me"),
    )
    definition = DEFINITION
    writers: ClassVar = {"tasks": write_tasks, "projects": write_projects}

    def validate(self, job: Job) -> None:
        """Only tasks that the sync itself may make can be deleted."""
        if job.mode is Mode.UPDATE and job.removal is Removal.DELETE and job.settings.get("removal") == "delete":
            raise ConfigError("Updates mark tasks as complete; deleting them takes upsert mode.", field="removal")

    async def workspaces(self) -> list[Choice]:
        """The workspaces that the user is in."""
        async with self.line() as line:
            pages = line.pages("workspaces", "data", next_page, {"limit": PAGE})
            return [Choice(each["gid"], each["name"]) async for each in pages]

    async def fields(self, sync_type: str, settings: Any) -> Sequence[DestinationField]:
        own = TASK if sync_type == "tasks" else PROJECT
        if not settings.get("workspace"):
            return own
        async with self.line() as line:
            path = f"workspaces/{settings['workspace']}/custom_fields"
            told = [each async for each in line.pages(path, "data", next_page, custom_query())]
        return [*own, *(field_of(each) for each in told if each["resource_subtype"] in TYPES)]


def field_of(told: Record) -> DestinationField:
    """A custom field of the workspace's library."""
    kind = told["resource_subtype"]
    options = ", ".join(each["name"] for each in (told.get("enum_options") or [])[:20])
    return field(
        f"{CUSTOM}{told['gid']}",
        told["name"],
        TYPES[kind],
        native_type=kind,
        description=f"One of {options}" if options else "",
    )
