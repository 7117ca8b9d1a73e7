"""Where a workspace keeps its files. The bucket is tried out before a service, never inside its transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from config.errors import Conflict, Denied, Invalid
from connectors import clouds
from connectors.choices import Cloud, Health
from connectors.sdk.validation import InvalidSettings, clean
from governance.audit.actors import Actor
from governance.audit.services import record, service, unchanged
from syncs.models import Run, WorkspaceStorage
from syncs.storage_fields import MANAGED, fields_for
from workspaces.access import require
from workspaces.models import Workspace
from workspaces.permissions import Permission
from workspaces.scoping import current_workspace_id

if TYPE_CHECKING:
    from syncs.engine.errors import EngineError

MANAGE = Permission.MANAGE_WORKSPACE
PLACE = ("provider", "bucket", "prefix", "region", "project", "account")
LABEL = "Storage"


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of trying a bucket out."""

    ok: bool
    message: str
    hint: str = ""


def save_storage(*, actor: Actor, values: Mapping[str, Any]) -> WorkspaceStorage | None:
    """Keep the workspace's files in the bucket that ``values`` describe, once it was written to and read.

    ``provider`` "managed" is the installation's storage. Raises :class:`Invalid` with the
    store's own words where the bucket does not work.
    """
    require(actor, MANAGE)
    own = described(values)
    if own is None:
        manage_storage(actor=actor)
        return None
    _require_unlocked(WorkspaceStorage.objects.first(), own)
    tried = tried_out(own)
    if not tried.ok:
        raise Invalid(tried.message, hint=tried.hint, code="storage_refused")
    return choose_storage(actor=actor, own=own)


@service("storage.chosen")
def choose_storage(*, actor: Actor, own: WorkspaceStorage) -> WorkspaceStorage:
    """Keep the workspace's files in a bucket that was tried out; those from before are read where they are."""
    require(actor, MANAGE)
    known = WorkspaceStorage.objects.select_for_update().first()
    _require_unlocked(known, own)
    if clouds.hold(own.credential_id, own.provider) is None:
        raise Invalid.field("credential", "There is no such credential of this provider in this workspace.")
    before = facts(known)
    if known is not None and place_of(known) == place_of(own) and known.credential_id == own.credential_id:
        unchanged()
        return known
    if known is not None and place_of(known) != place_of(own):
        require_quiet()
    chosen = known or WorkspaceStorage(workspace_id=current_workspace_id(), created_by_id=actor.user_id)
    for name in (*PLACE, "credential_id"):
        setattr(chosen, name, getattr(own, name))
    _remember(chosen, Tried(True, "The bucket was written to, read, listed and tidied up."))
    chosen.save()
    record(chosen, before=before, after=facts(chosen), label=LABEL)
    return chosen


@service("storage.managed")
def manage_storage(*, actor: Actor) -> None:
    """Keep the workspace's files in the installation's storage again."""
    require(actor, MANAGE)
    known = WorkspaceStorage.objects.select_for_update().first()
    if known is None:
        unchanged()
        return
    _require_unlocked(known, None)
    require_quiet()
    record(known, before=facts(known), after={"provider": MANAGED}, label=LABEL)
    known.delete()


def check_storage(*, actor: Actor) -> WorkspaceStorage:
    """Try the workspace's own bucket out again, and remember what came of it."""
    require(actor, MANAGE)
    own = WorkspaceStorage.objects.select_related("credential").first()
    if own is None:
        raise Conflict("This workspace uses the installation's storage.", hint="There is no bucket to test.")
    return record_storage_check(actor=actor, tested=own, tried=tried_out(own))


@service("storage.checked")
def record_storage_check(*, actor: Actor, tested: WorkspaceStorage, tried: Tried) -> WorkspaceStorage:
    """Remember what a test found, unless the settings changed meanwhile."""
    require(actor, MANAGE)
    own = WorkspaceStorage.objects.select_for_update().filter(pk=tested.pk).first()
    if own is None or facts(own) != facts(tested):
        unchanged()
        return tested
    before = {"health": own.health}
    _remember(own, tried)
    own.save()
    record(own, before=before, after={"health": own.health, "message": own.check_message}, label=LABEL)
    return own


@service("storage.unlocked")
def unlock_storage(*, actor: Actor) -> WorkspaceStorage:
    """Let the storage be changed once although runs have used it; only the operator's command may.

    Syncs that compare with files of the old bucket find them missing after a change: their next run is held.
    """
    if not actor.is_system:
        raise Denied("Only the operator's command can do this.", hint="On the machine: manage.py unlock_storage SLUG")
    own = WorkspaceStorage.objects.select_for_update().first()
    if own is None or own.used_at is None:
        raise Conflict("The storage of this workspace is not locked.")
    require_quiet()
    before = {"used_at": own.used_at.isoformat()}
    own.used_at = None
    own.save(update_fields=["used_at"])
    record(own, before=before, after={"used_at": None}, label=LABEL)
    return own


def mark_used(now: datetime) -> None:
    """A run begins: from now on the workspace's own storage keeps its place."""
    WorkspaceStorage.objects.filter(used_at=None).update(used_at=now)


def described(values: Mapping[str, Any]) -> WorkspaceStorage | None:
    """The settings as a row that is not saved yet; nothing for the installation's storage."""
    try:
        cleaned = clean(fields_for(clouds.choices), values).config
    except InvalidSettings as error:
        raise Invalid("Some settings need another look.", fields=error.errors) from None
    provider = cleaned["provider"]
    if provider == MANAGED:
        return None
    credential = clouds.chosen(int(cleaned[f"{provider}_credential"]), provider)
    if credential is None:
        raise Invalid.field(f"{provider}_credential", "Choose a credential of this provider.")
    return WorkspaceStorage(
        workspace_id=current_workspace_id(),
        provider=Cloud(provider),
        bucket=cleaned.get("bucket") or cleaned.get("container") or "",
        prefix=cleaned.get("prefix") or "",
        region=cleaned.get("region") or "",
        project=cleaned.get("project") or "",
        account=cleaned.get("account") or "",
        credential=credential,
    )


def tried_out(own: WorkspaceStorage) -> Tried:
    """What comes of writing to a bucket and reading from it."""
    from syncs.engine.errors import EngineError
    from syncs.own_storage import explained, try_out

    try:
        try_out(own)
    except EngineError as error:
        return _refused(error)
    except Exception as error:  # a client of a store raises errors of all kinds while it is opened
        message, hint = explained(Cloud(own.provider), error)
        return Tried(False, message, hint)
    return Tried(True, "The bucket was written to, read, listed and tidied up.")


def _refused(error: EngineError) -> Tried:
    return Tried(False, error.message, error.hint)


def _remember(own: WorkspaceStorage, tried: Tried) -> None:
    own.health = Health.HEALTHY if tried.ok else Health.FAILING
    own.checked_at = timezone.now()
    own.check_message, own.check_hint = tried.message[:2_000], tried.hint[:2_000]


def _require_unlocked(known: WorkspaceStorage | None, wanted: WorkspaceStorage | None) -> None:
    """The place stays once a run has used it; another credential for the same place may be chosen."""
    if known is None or not known.locked:
        return
    if wanted is not None and place_of(known) == place_of(wanted):
        return
    raise Conflict(
        "The storage is locked, as runs have used it.",
        hint="Ask the operator of this installation to unlock it: manage.py unlock_storage.",
        code="storage_locked",
    )


def require_quiet() -> None:
    """No run may lose the files it works with."""
    if number := Run.objects.filter(finished_at__isnull=True).count():
        raise Conflict(
            f"{number:,} run{'s have' if number > 1 else ' has'} not ended in this workspace.",
            hint="Pause the syncs and wait for their runs, then change the storage.",
            code="storage_busy",
        )


def place_of(own: WorkspaceStorage) -> tuple[str, ...]:
    """What makes it another place; the credential does not."""
    return tuple(str(getattr(own, name)) for name in PLACE)


def facts(own: WorkspaceStorage | None) -> dict[str, Any]:
    """What the audit log says of it."""
    if own is None:
        return {"provider": MANAGED}
    return {**{name: getattr(own, name) for name in PLACE}, "chosen": own.credential_id}


def workspace_named(slug: str) -> Workspace | None:
    """The workspace that an operator names by its address."""
    from workspaces.scoping import unscoped

    with unscoped("an operator names a workspace by its address"):
        return Workspace.objects.filter(slug=slug).first()
