"""Work reaches the queue through one door, after commit."""

from __future__ import annotations

from pathlib import Path

import dramatiq
import pytest
from django.db import transaction

from config.queue import enqueue
from tests.invariants import tree
from tests.support.redis_slots import Slot

DOOR = Path("config/queue.py")
EXEMPT: dict[str, str] = {
    "connectors/jobs/calling.py": "sends an HTTP request through the guarded client",
    "notifications/channels/base.py": "sends an HTTP request through the guarded client",
    "workspaces/sso/outbound.py": "sends an HTTP request through the guarded client",
    "notifications/channels/email.py": "hands a mail to the mail server",
    "notifications/webhooks/sending.py": "sends an HTTP request through the guarded client",
}


@pytest.fixture(scope="module")
def job(redis_slot: Slot) -> dramatiq.Actor[[int], None]:
    """An actor on a queue that no worker reads."""

    @dramatiq.actor(queue_name="invariant", actor_name="invariant_job")
    def invariant_job(row_id: int) -> None:
        raise AssertionError("nobody works on this queue")

    return invariant_job


def waiting() -> int:
    return int(dramatiq.get_broker().do_qsize("invariant"))  # type: ignore[attr-defined]


def test_only_the_door_sends() -> None:
    found = [
        (path, call.lineno)
        for path in tree.shell_files()
        if path != DOOR
        for call in tree.calls(path)
        if tree.dotted(call)[-1:] in (["send"], ["send_with_options"])
    ]
    assert tree.unexplained(found, EXEMPT) == [], "use config.queue.enqueue"


@pytest.mark.django_db(transaction=True)
def test_a_job_leaves_when_its_transaction_commits(job: dramatiq.Actor[[int], None]) -> None:
    before = waiting()
    with transaction.atomic():
        enqueue(job, 1)
        assert waiting() == before
    assert waiting() == before + 1


@pytest.mark.django_db(transaction=True)
def test_a_job_of_a_rolled_back_transaction_never_leaves(job: dramatiq.Actor[[int], None]) -> None:
    before = waiting()
    with transaction.atomic():
        enqueue(job, 1)
        transaction.set_rollback(True)
    assert waiting() == before
