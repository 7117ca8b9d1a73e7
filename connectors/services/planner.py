"""Writes to how a source's syncs are planned and what they log in the warehouse."""

from __future__ import annotations

from django.utils import timezone as clock

from config.errors import Conflict, Invalid
from connectors import access, catalog
from connectors.choices import Health, Kind, Planner
from connectors.discovery import CheckOutcome
from connectors.models import Source
from governance.audit.actors import Actor
from governance.audit.services import record, service, unchanged

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
    entry = catalog.known_entry(Kind.SOURCE, locked.type)
    if not entry.write_planner:
        raise Invalid.field("planner", f"{entry.name} cannot host the warehouse planner.", hint="Keep the local one.")
    if locked.write_health != Health.HEALTHY:
        raise Conflict(
            "Write access to the warehouse has not passed its test yet.",
            hint="Run the set-up SQL, test write access, then switch.",
        )
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


def _planner(name: str) -> Planner:
    if name not in Planner.values:
        raise Invalid.field("planner", f"There is no planner “{name}”.", hint=f"Known: {', '.join(Planner.values)}.")
    return Planner(name)
