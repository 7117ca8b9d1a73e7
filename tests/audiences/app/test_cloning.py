"""Copies of audiences that take syncs along: what the copies keep, what they begin without, and who may make them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from audiences.models import Audience, SchemaModel, SyncTemplate
from audiences.selectors.experiments import groups_of_sync, running_experiment
from audiences.services import experiments
from audiences.services.cloning import clone_with_syncs
from audiences.services.following import apply_sync_templates
from audiences.services.settings import change_studio_settings
from audiences.services.sync_templates import Pattern, create_sync_template
from audiences.services.syncing import open_for_syncs
from config.errors import Denied, Invalid
from syncs import services as sync_services
from syncs.engine.guardrails import Guardrails
from syncs.models import Sync
from syncs.schedules import Schedule
from tests.audiences.app.acting import marketer, with_key
from tests.audiences.app.crowd import audience_of, ids_there, sync_to_table
from tests.syncs.app.shop import Shop
from tests.world import World
from workspaces.actors import person

HOURLY = Schedule.every(1, "hour")


@pytest.fixture
def everybody(crowd: Shop, people: SchemaModel) -> Audience:
    crowd.fill(40)
    return audience_of(crowd, people, "Everybody", 1, 40)


@pytest.fixture
def template(crowd: Shop, people: SchemaModel) -> SyncTemplate:
    return create_sync_template(
        actor=crowd.actor,
        parent=people,
        destination=crowd.destination,
        name="To the shop",
        pattern=Pattern(
            proposal=crowd.proposal(), schedule=HOURLY, guardrails=Guardrails(on=False), unlocked=("mode",)
        ),
    )


def test_chosen_syncs_come_along_switched_off_with_their_template_and_their_groups(
    crowd: Shop, everybody: Audience, template: SyncTemplate
) -> None:
    [followed] = apply_sync_templates(actor=crowd.actor, audience=everybody, templates=[template])
    mailed, left = sync_to_table(crowd, everybody), crowd.sync(open_for_syncs(actor=crowd.actor, audience=everybody))
    shares = [experiments.GroupProposal(name, Decimal(50)) for name in ("Mail", "Holdout")]
    split = experiments.enable_experiment(actor=crowd.actor, audience=everybody, groups=shares)
    mail = split.groups.get(name="Mail")
    experiments.choose_sync_groups(actor=crowd.actor, sync=mailed, group_ids=[mail.pk])
    browser = Client()
    browser.force_login(crowd.place.owner)
    path = f"{everybody.get_absolute_url()}/clone"
    page = browser.get(path).content.decode()
    assert all(f'value="{sync.pk}"' in page for sync in (followed, mailed, left))
    assert "for Mail" in page

    sent = {"name": "Everybody else", "sync": [followed.pk, mailed.pk]}
    assert "2 syncs came along" in browser.post(path, sent, follow=True).content.decode()
    copy = Audience.objects.get(name="Everybody else")
    [follows, mails] = Sync.objects.filter(model=copy.model).order_by("pk")
    assert (follows.name, follows.schedule, follows.schedule_enabled) == ("Everybody else: To the shop", HOURLY, False)
    assert (follows.templated.template_id, follows.guardrails) == (template.pk, followed.guardrails)
    assert follows.mappings == followed.mappings
    with pytest.raises(Invalid, match="Locked by the template"):
        sync_services.update_sync(actor=crowd.actor, sync=follows, proposal=crowd.proposal(removal="nothing"))
    drawn = running_experiment(copy)
    assert drawn
    assert drawn.salt != split.salt
    assert [(group.name, group.share) for group in drawn.groups.all()] == [("Mail", 5000), ("Holdout", 5000)]
    assert [group.experiment_id for group in groups_of_sync(mails)] == [drawn.pk]
    crowd.at_destination(f"TRUNCATE {crowd.table}")
    assert crowd.run(mails).error_message == ""
    assert 5 < len(ids_there(crowd)) < 35, "one group of two, not everybody"


def test_copying_asks_for_the_rights_to_each_destination_first(
    committed: World, crowd: Shop, everybody: Audience, people: SchemaModel
) -> None:
    sync = sync_to_table(crowd, everybody)
    user = marketer(committed, people)
    theirs = person(user)
    with pytest.raises(Denied):
        clone_with_syncs(actor=theirs, audience=everybody, syncs=[sync])
    assert not Audience.objects.filter(name="Everybody (copy)").exists()
    browser = Client()
    browser.force_login(user)
    page = browser.get(f"{everybody.get_absolute_url()}/clone").content.decode()
    assert "It takes the right to draft syncs to" in page
    other = audience_of(crowd, people, "Others", 1, 2)
    with pytest.raises(Invalid, match="Not a sync of “Others”"):
        clone_with_syncs(actor=crowd.actor, audience=other, syncs=[sync])


def test_programs_copy_audiences_too_and_learn_what_could_not_come_along(crowd: Shop, everybody: Audience) -> None:
    sync, client = sync_to_table(crowd, everybody), with_key(crowd, "read", "write")

    def clone(**body: Any) -> Any:
        path = f"/api/v1/audiences/{everybody.pk}/clone"
        answer = client.post(path, {"syncIds": [sync.pk], **body}, content_type="application/json")
        assert answer.status_code == 200, answer.content
        return answer.json()

    made = clone(name="Drafted", publication="draft")
    assert made["audience"]["name"] == "Drafted"
    assert not Sync.objects.get(pk=made["syncs"][0]["id"]).published
    change_studio_settings(actor=crowd.actor, templates_required=True)
    refused = clone(name="Templates only")
    assert refused["syncs"] == []
    assert refused["failed"][0]["id"] == str(sync.pk)
    assert "template" in refused["failed"][0]["error"]
