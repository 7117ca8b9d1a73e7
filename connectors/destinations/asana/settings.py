"""What a person sets for Asana, and what it can do."""

from __future__ import annotations

from connectors.sdk.destination import DestinationDefinition, Limits, Mode, Rate, Removal, SyncType
from connectors.sdk.fields import Select, Text
from connectors.sdk.modes import update, upsert
from connectors.sdk.rest import Either, KeyHeader, OAuthApp, field, fields
from connectors.sdk.types import Choice, Verification

EXTERNAL, CUSTOM, PARENT, PARENT_EXTERNAL = "external", "custom_fields.", "parent", "parent.external"
PAGE = 100
# Lists of a record: what adds one or several, what takes them away, and the name of what is sent.
TASK_LISTS = {
    "projects": ("addProject", "removeProject", "project"),
    "followers": ("addFollowers", "removeFollowers", "followers"),
    "tags": ("addTag", "removeTag", "tag"),
}
PROJECT_LISTS = {"followers": ("addFollowers", "removeFollowers", "followers")}
LISTED = "One ID, several between commas, or a list. Those that are not named are taken away."
TASK = (
    field(EXTERNAL, "External ID", identifier=True, description="Yours; only the app that gave it finds it again."),
    field("gid", "Task ID", identifier=True, modes=(Mode.UPDATE,)),
    field("name", required=True),
    *fields("notes", "html_notes", "completed:boolean", "due_on:date", "due_at:moment", "start_on:date"),
    field("assignee", kind="reference", description="A user's ID or e-mail address."),
    field("approval_status"),
    *(field(name, kind="any", description=LISTED) for name in TASK_LISTS),
    field(PARENT, "Parent task → ID", "reference", description="Nothing makes a task of a subtask."),
    field(PARENT_EXTERNAL, "Parent task → external ID", "reference"),
)
PROJECT = (
    field("gid", "Project ID", identifier=True),
    *fields("name", "notes", "html_notes", "color", "due_on:date", "start_on:date", "archived:boolean"),
    *fields("owner:reference", "default_view", "privacy_setting"),
    field("followers", kind="any", description=LISTED),
)
WORKSPACE = Select(name="workspace", label="Workspace", discover="workspaces")
LIMITS = Limits(batch_rows=50, concurrency=2, rates=(Rate(requests=140, seconds=60),), batch_s=900)
SIGN_IN = Either(
    ways={
        "oauth": (
            Choice("oauth", "Your own OAuth app", "A person signs in on Asana's page."),
            OAuthApp(
                page="https://app.asana.com/-/oauth_authorize",
                tokens="https://app.asana.com/-/oauth_token",
                scopes=("default",),
                app="Asana's developer console (app.asana.com/0/my-apps)",
            ),
        ),
        "token": (
            Choice("token", "Personal access token", "Made in Asana's developer console."),
            KeyHeader(key=Text(name="access_token", label="Access token", secret=True)),
        ),
    }
)
DEFINITION = DestinationDefinition(
    key="asana",
    name="Asana",
    category="Productivity",
    summary="Tasks, also with IDs of your own, and projects, with their custom fields.",
    docs_url="docs/destinations/asana.md",
    fields=SIGN_IN.fields,
    connects=SIGN_IN.connects,
    verification=Verification.DOCS,
    sync_types=(
        SyncType(
            key="tasks",
            name="Tasks",
            description="Tasks and subtasks, matched by an ID of yours or (update) by Asana's.",
            modes=(upsert(Removal.DELETE, noun="tasks"), update(Removal.DELETE, noun="tasks")),
            settings=(
                WORKSPACE,
                Select(
                    name="removal",
                    label="Tasks that are removed are",
                    default="complete",
                    choices=(
                        Choice("complete", "Marked as complete"),
                        Choice("delete", "Deleted", "In upsert mode only."),
                    ),
                ),
            ),
            limits=LIMITS,
        ),
        SyncType(
            key="projects",
            name="Projects",
            description="Projects that are there, matched by Asana's ID.",
            modes=(update(noun="projects"),),
            settings=(WORKSPACE,),
            limits=LIMITS,
        ),
    ),
)
