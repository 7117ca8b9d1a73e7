"""Pages of sequences: the editor, the list, the tabs, a run that is watched, and who may do what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from syncs import services
from syncs.models import Sequence, SequenceRun, Sync
from syncs.services import StepProposal
from tests.syncs.app.shop import Shop, work_off
from tests.syncs.app.test_sequences import finish, go_on, start
from tests.syncs.pages.test_sync_pages import text


def form(*lines: tuple[Sync | None, str], name: str = "Nightly", **changed: Any) -> dict[str, Any]:
    """The editor's form: a line for each sync and rule, in this order."""
    sent: dict[str, Any] = {"name": name, "step-TOTAL_FORMS": len(lines), "step-INITIAL_FORMS": 0}
    for n, (sync, rule) in enumerate(lines):
        line = {"sync": sync.pk if sync else "", "terminate": rule, "limit_unit": "any", "limit": "", "ORDER": n + 1}
        sent |= {f"step-{n}-{field}": value for field, value in line.items()}
    return {**sent, **changed}


@pytest.fixture
def pair(shop: Shop) -> list[Sync]:
    """Two syncs of one model."""
    shop.fill(3)
    model = shop.model()
    made = [shop.sync(model), shop.sync(model)]
    for sync, name in zip(made, ("Accounts", "Contacts"), strict=True):
        services.update_sync(actor=shop.actor, sync=sync, name=name)
    return made


@pytest.fixture
def sequence(shop: Shop, pair: list[Sync]) -> Sequence:
    steps = [StepProposal(sync.pk) for sync in pair]
    return services.create_sequence(actor=shop.actor, name="Nightly", steps=steps)


def test_a_sequence_is_put_together_scheduled_and_run(shop: Shop, pair: list[Sync], owner: Client) -> None:
    assert "No sequences yet" in text(owner.get("/acme/sequences"))
    assert "Accounts (Customers →" in text(owner.get("/acme/sequences/new"))
    lines = form((pair[0], "rejected"), (pair[1], "never"), (None, "rejected"))
    limited = {"step-0-limit_unit": "percent", "step-0-limit": "5"}
    sent = {**lines, **limited, "step-0-ORDER": 2, "step-1-ORDER": 1}
    saved = owner.post("/acme/sequences/new", sent)
    sequence = Sequence.objects.get()
    assert saved["Location"] == f"/acme/sequences/{sequence.pk}/schedule"
    rules = [(str(step), step.terminate, step.limit_unit, step.limit) for step in sequence.steps.all()]
    assert rules == [("Contacts", "never", "any", 0), ("Accounts", "rejected", "percent", 5)]

    words = text(owner.post(saved["Location"], {"schedule_kind": "cron", "cron": "0 3 * * *", "action": "words"}))
    assert "At the times of the cron expression 0 3 * * * UTC, Headrace runs its 2 syncs one after another." in words
    owner.post(saved["Location"], {"schedule_kind": "cron", "cron": "0 3 * * *"})
    sequence.refresh_from_db()
    assert sequence.next_run_at is not None

    owner.post(f"/acme/sequences/{sequence.pk}/do/run")
    run = SequenceRun.objects.get()
    go_on(run)
    page = text(owner.get(f"/acme/sequences/{sequence.pk}"))
    assert "Cancel run" in page
    assert f'hx-get="/acme/sequences/{sequence.pk}" hx-trigger="every 2s"' in page
    finish(run)
    page = text(owner.get(f"/acme/sequences/{sequence.pk}/runs/{run.pk}"))
    assert page.count("Completed</span>") == 3  # the run and both steps
    assert "every 2s" not in page


def test_steps_are_changed_and_what_is_wrong_is_said_beside_its_line(
    pair: list[Sync], sequence: Sequence, owner: Client
) -> None:
    address = f"/acme/sequences/{sequence.pk}/edit"
    page = text(owner.get(address))
    assert page.index(f'value="{pair[0].pk}" selected') < page.index(f'value="{pair[1].pk}" selected')
    assert "Enter a number." in text(
        owner.post(address, form((pair[0], "rejected"), **{"step-0-limit_unit": "rows"})), 422
    )
    assert "Add at least one sync." in text(owner.post(address, form((None, "fatal"))), 422)
    assert "This field is required." in text(owner.post(address, form((pair[0], "fatal"), name="")), 422)
    assert (
        owner.post(address, form((pair[1], "fatal"), name="Renamed"))["Location"]
        == f"/acme/sequences/{sequence.pk}/steps"
    )
    sequence.refresh_from_db()
    assert (sequence.name, [str(step) for step in sequence.steps.all()]) == ("Renamed", ["Contacts"])


def test_the_list_is_searched_by_the_syncs_inside_and_narrowed_by_status(
    shop: Shop, pair: list[Sync], sequence: Sequence, owner: Client
) -> None:
    services.create_sequence(actor=shop.actor, name="Other", steps=[StepProposal(pair[1].pk)])

    def named(query: str) -> list[str]:
        page = text(owner.get(f"/acme/sequences?{query}"))
        return [name for name in ("Nightly", "Other") if f">{name}</a>" in page]

    assert named("") == ["Nightly", "Other"]
    assert named("q=accounts") == ["Nightly"]
    assert named("status=never_ran") == ["Nightly", "Other"]
    run = start(shop, sequence)
    assert (named("status=running"), named("status=never_ran")) == (["Nightly"], ["Other"])
    finish(run)
    services.disable_sequence(actor=shop.actor, sequence=sequence)
    assert (named("status=disabled"), named("status=succeeded")) == (["Nightly"], [])


def test_ticked_sequences_run_together(sequence: Sequence, owner: Client) -> None:
    ticked = {"action": "run", "selected": [sequence.pk, sequence.pk + 999]}
    answer = owner.post("/acme/sequences", ticked, follow=True)
    assert "1 started" in text(answer)


def test_a_deleted_sync_stays_visible_until_it_is_taken_out(
    shop: Shop, pair: list[Sync], sequence: Sequence, owner: Client
) -> None:
    services.delete_sync(actor=shop.actor, sync=pair[0])
    assert "Deleted: this step will fail" in text(owner.get(f"/acme/sequences/{sequence.pk}/steps"))
    assert "“Accounts” was deleted." in text(owner.get(f"/acme/sequences/{sequence.pk}/edit"))
    run = finish(start(shop, sequence))
    page = text(owner.get(f"/acme/sequences/{sequence.pk}"))
    assert f"Run {run.number} stopped." in page
    assert "Accounts: The sync was deleted. Take it out of the sequence." in page


def test_a_run_is_cancelled_from_its_page(shop: Shop, sequence: Sequence, owner: Client) -> None:
    run = start(shop, sequence)
    owner.post(f"/acme/sequences/{sequence.pk}/runs/{run.pk}/cancel")
    work_off()
    assert go_on(run).status == "cancelled"
    answer = owner.post(f"/acme/sequences/{sequence.pk}/runs/{run.pk}/cancel", follow=True)
    assert "This run has ended." in text(answer)


def test_a_sync_says_in_which_sequences_it_runs(pair: list[Sync], sequence: Sequence, owner: Client) -> None:
    owner.post(f"/acme/syncs/{pair[0].pk}/do/disable")
    page = text(owner.get(f"/acme/syncs/{pair[0].pk}/schedule"))
    assert "the sync still runs by hand, through the API and in sequences" in page
    for tab in ("", "/schedule"):
        assert f'href="/acme/sequences/{sequence.pk}"' in text(owner.get(f"/acme/syncs/{pair[0].pk}{tab}"))


def test_deleting_asks_for_the_name_and_renaming_keeps_the_steps(sequence: Sequence, owner: Client) -> None:
    owner.post(f"/acme/sequences/{sequence.pk}/rename", {"name": "Weekly"})
    owner.post(f"/acme/sequences/{sequence.pk}/delete", {"confirm_name": "Nightly"})
    sequence.refresh_from_db()
    assert (sequence.name, sequence.steps.count()) == ("Weekly", 2)
    owner.post(f"/acme/sequences/{sequence.pk}/delete", {"confirm_name": "Weekly"})
    assert not Sequence.objects.exists()


@pytest.mark.parametrize("tab", ["", "/steps", "/schedule", "/activity"])
@pytest.mark.parametrize("name", ["owner", "viewer"])
def test_every_tab_opens_and_viewers_find_nothing_they_may_not_do(
    sequence: Sequence, browser_of: Callable[[str], Client], name: str, tab: str
) -> None:
    page = text(browser_of(name).get(f"/acme/sequences/{sequence.pk}{tab}"))
    for address in ("do/run", "edit", "delete"):
        assert (f"/acme/sequences/{sequence.pk}/{address}" in page) is (name == "owner"), address
