"""Writes to how a source's syncs are planned and what they log in the warehouse."""

from __future__ import annotations

from collections.abc import Collection

from django.utils import timezone as clock

from config.errors import Conflict, Invalid
from connectors import access, catalog, discovery
from connectors.choices import Health, Kind, LogTable, Planner
from connectors.discovery import CheckOutcome
from connectors.models import Source
from connectors.services.connections import rights_to_use
from governance.audit.actors import Actor
from governance.audit.services import changes, record, service, snapshot, unchanged

MAX_CHANGELOG_DAYS = 3_650
ONE_WAY = (
    "To compare locally again, add the source a second time, build the models on it and reset change tracking of "
    "their syncs: they remember the rows that are there and send only what changes after."
)


@service("source.planner_chosen")
def choose_planner(*, actor: Actor, source: Source, planner: str) -> Source:
    """Move a source to the warehouse planner; its syncs follow on their next run.

    The test of write access must have passed with the current settings. There is no
    way back: what was delivered is then known in the warehouse only.
    """
    locked = access.source_for(actor, source.pk, access.MANAGE[Kind.SOURCE], lock=True)
    wanted = _planner(planner)
    if locked.planner == wanted:
        unchanged()
        return locked
    if wanted == Planner.LOCAL:
        raise Conflict(f"“{locked}” is on the warehouse planner, and there is no way back.", hint=ONE_WAY)
    require_write_access(locked)
    before, locked.planner = locked.planner, wanted
    locked.save(update_fields=["planner", "updated_at"])
    record(locked, before={"planner": before}, after={"planner": wanted.value})
    return locked


@service("source.write_checked")
def record_write_check(*, actor: Actor, source: Source, outcome: CheckOutcome) -> Source:
    """Keep what a test of write access found; nothing if the settings changed meanwhile."""
    locked = access.source_for(actor, source.pk, access.USE[Kind.SOURCE], lock=True)
    if (locked.config, locked.secret_config) != (source.config, source.secret_config):
        unchanged()
        return locked
    before = {"write_health": locked.write_health}
    locked.write_health = Health.HEALTHY if outcome.ok else Health.FAILING
    locked.write_checked_at = clock.now()
    locked.write_check_message, locked.write_check_hint = outcome.message[:2_000], outcome.hint[:2_000]
    locked.save(update_fields=["write_health", "write_checked_at", "write_check_message", "write_check_hint"])
    record(locked, before=before, after={"write_health": locked.write_health, "message": locked.write_check_message})
    return locked


def check_write_access(*, actor: Actor, source: Source) -> CheckOutcome:
    """Try to write into the warehouse as the planner would, and remember what came of it."""
    rights_to_use(actor, source)
    outcome = discovery.check_write(source)
    record_write_check(actor=actor, source=source, outcome=outcome)
    return outcome


@service("source.sync_logs_changed")
def change_sync_logs(
    *, actor: Actor, source: Source, tables: Collection[str], changelog_days: int | None = None
) -> Source:
    """Choose what every sync of the source logs in the warehouse, and for how long the changelog is kept.

    ``changelog_days`` of ``None`` keeps it for ever. Asking for logs needs write access
    that passed its test. Tables written so far stay.
    """
    locked = access.source_for(actor, source.pk, access.MANAGE[Kind.SOURCE], lock=True)
    chosen = log_tables(tables)
    if set(chosen) - set(locked.sync_logs):
        require_write_access(locked)
    if changelog_days is not None and not 1 <= changelog_days <= MAX_CHANGELOG_DAYS:
        raise Invalid.field("changelog_days", f"Enter between 1 and {MAX_CHANGELOG_DAYS:,} days.")
    before = snapshot(locked, ("sync_logs", "changelog_days"))
    locked.sync_logs, locked.changelog_days = chosen, changelog_days
    difference = changes(before, snapshot(locked, ("sync_logs", "changelog_days")))
    if not difference:
        unchanged()
        return locked
    locked.save(update_fields=["sync_logs", "changelog_days", "updated_at"])
    record(locked, before=difference.before, after=difference.after)
    return locked


def log_tables(names: Collection[str]) -> list[str]:
    """The chosen tables in their usual order; :class:`Invalid` for one that does not exist."""
    if unknown := set(names) - set(LogTable.values):
        raise Invalid.field("sync_logs", f"There is no log table “{min(unknown)}”.")
    return [table.value for table in LogTable if table.value in names]


def require_write_access(source: Source) -> None:
    """Refuse what needs to write into a warehouse where that was not tested with success."""
    entry = catalog.known_entry(Kind.SOURCE, source.type)
    if not access.can_host_planner(source):
        raise Conflict(
            f"Headrace cannot write into “{source}” ({entry.name}).",
            hint="Its syncs are compared locally, and their runs are logged in Headrace alone.",
        )
    if source.write_health != Health.HEALTHY:
        raise Conflict(
            "Write access to the warehouse has not passed its test yet.",
            hint="On the source's Configuration tab, run the set-up SQL and test write access.",
        )


def _planner(name: str) -> Planner:
    if name not in Planner.values:
        raise Invalid.field("planner", f"There is no planner “{name}”.", hint=f"Known: {', '.join(Planner.values)}.")
    return Planner(name)
