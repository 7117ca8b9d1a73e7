"""Copying a workspace's files to another bucket before an operator moves it there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from config.errors import Conflict, Denied, Invalid
from governance.audit.actors import Actor
from governance.audit.services import record, service
from syncs.models import WorkspaceStorage
from syncs.services.storage import LABEL, described, facts, place_of, require_quiet, tried_out

if TYPE_CHECKING:
    from syncs.engine.copying import Copied


def copy_storage(*, actor: Actor, values: Mapping[str, Any]) -> Copied:
    """Copy every file below the workspace's bucket and prefix to the place that ``values`` describe, and compare.

    Nothing moves: the workspace keeps its place until it is changed on the page. Only the operator's command may.
    """
    from syncs.engine.copying import copy_all
    from syncs.own_storage import open_storage
    from syncs.storage import managed_storage, own_storage, workdir

    if not actor.is_system:
        raise Denied("Only the operator's command can do this.", hint="On the machine: manage.py copy_storage SLUG")
    own, wanted = own_storage(), described(values)
    if own is None:
        raise Conflict(
            "This workspace uses the installation's storage.",
            hint="Choose a bucket on its page: files from before are read where they are, so nothing has to be copied.",
        )
    if wanted is not None and place_of(own) == place_of(wanted):
        raise Conflict("The files are in this place already.")
    require_quiet()
    if wanted is not None and not (tried := tried_out(wanted)).ok:
        raise Invalid(tried.message, hint=tried.hint, code="storage_refused")
    cache = workdir() / "files"
    target = managed_storage() if wanted is None else open_storage(wanted, cache=cache)
    copied = copy_all(open_storage(own, cache=cache), target)
    record_storage_copy(actor=actor, own=own, wanted=wanted, copied=copied)
    return copied


@service("storage.copied")
def record_storage_copy(
    *, actor: Actor, own: WorkspaceStorage, wanted: WorkspaceStorage | None, copied: Copied
) -> None:
    """Tell the audit log of a copy that was compared."""
    record(own, before=facts(own), after={**facts(wanted), "files": copied.files, "bytes": copied.bytes}, label=LABEL)
