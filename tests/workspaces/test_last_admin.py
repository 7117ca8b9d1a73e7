"""An organization always keeps an admin, also when its two remove, or demote, each other in the same moment."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from workspaces.models import OrganizationMember

WAYS = ("remove", "demote")


@pytest.mark.parametrize("way", WAYS)
def test_two_admins_cannot_be_rid_of_each_other_at_once(transactional_db: None, way: str) -> None:
    from django.db import connection

    from config.errors import Conflict, Denied
    from tests.world import build_world
    from workspaces import services
    from workspaces.actors import person
    from workspaces.models import OrganizationMember
    from workspaces.scoping import workspace_scope

    world = build_world()
    workspace = world.acme.workspace.pk
    together = Barrier(2)
    calls: dict[str, Callable[[Any, OrganizationMember], object]] = {
        "remove": lambda actor, member: services.remove_person(actor=actor, member=member),
        "demote": lambda actor, member: services.update_member(actor=actor, member=member, is_admin=False),
    }
    with workspace_scope(workspace):
        second = OrganizationMember.objects.get(user=world["editor"])
        services.update_member(actor=world.acme.actor, member=second, is_admin=True)
        members = {name: OrganizationMember.objects.get(user=world[name]) for name in ("owner", "editor")}

    def attempt(who: str, whom: str) -> str:
        try:
            with workspace_scope(workspace):
                together.wait(30)
                calls[way](person(world[who]), members[whom])
        except (Conflict, Denied) as error:  # denied: who asks is no admin any more
            return error.code
        finally:
            connection.close()
        return "done"

    with ThreadPoolExecutor(2) as threads:
        ended = list(threads.map(attempt, ("owner", "editor"), ("editor", "owner")))
    assert ended.count("done") == 1, ended
    assert set(ended) <= {"done", "last_admin", "denied"}
    with workspace_scope(workspace):
        assert OrganizationMember.objects.filter(is_admin=True).count() == 1
