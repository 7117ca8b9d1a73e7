"""Experiments: groups of an audience, who is in which, and what the syncs of a group send."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from audiences.calculating import work
from audiences.models import Audience, Experiment, Recording, SchemaModel
from audiences.query.splits import slot
from audiences.selectors.experiments import groups_of_sync, labels_of, split_of
from audiences.services import experiments as services
from audiences.services.experiments import GroupProposal
from audiences.services.syncing import open_for_syncs
from config.errors import Conflict, Invalid, NotFound
from governance.audit.models import AuditEntry
from syncs import services as sync_services
from syncs.choices import RunStatus
from syncs.models import Sync
from syncs.schedules import Schedule
from tests.audiences.app.acting import with_key
from tests.audiences.app.crowd import audience_of, ids_there, parent_of, sync_to_table
from tests.syncs.app.shop import Shop

MEMBERS = 400


@pytest.fixture
def everybody(crowd: Shop, people: SchemaModel) -> Audience:
    crowd.fill(MEMBERS)
    return audience_of(crowd, people, "Everybody", 1, MEMBERS)


def shares(**percents: int) -> list[GroupProposal]:
    return [GroupProposal(name, Decimal(percent)) for name, percent in percents.items()]


def divided(crowd: Shop, audience: Audience, **percents: int) -> Experiment:
    return services.enable_experiment(actor=crowd.actor, audience=audience, groups=shares(**percents))


def members(experiment: Experiment) -> Mapping[str, list[int]]:
    """Who is in which group, worked out here, key by key."""
    experiment = Experiment.objects.get(pk=experiment.pk)
    split, names = split_of(experiment), dict(labels_of(experiment))
    found: dict[str, list[int]] = {names[group]: [] for group in split.groups}
    for number in range(1, MEMBERS + 1):
        at = slot(split.salt, str(number))
        found[names[next(each.group for each in split.stretches if each.start <= at < each.end)]].append(number)
    return found


def for_group(crowd: Shop, audience: Audience, experiment: Experiment, *names: str) -> Sync:
    sync = sync_to_table(crowd, audience)
    ids = list(experiment.groups.filter(name__in=names).values_list("pk", flat=True))
    return services.choose_sync_groups(actor=crowd.actor, sync=sync, group_ids=ids)


def test_each_sync_sends_its_groups_alone_and_the_same_ones_every_time(crowd: Shop, everybody: Audience) -> None:
    experiment = divided(crowd, everybody, Mail=40, Post=40, Holdout=20)
    sync = for_group(crowd, everybody, experiment, "Mail")
    expected = members(experiment)
    assert crowd.run(sync).error_message == ""
    assert ids_there(crowd) == expected["Mail"]
    assert 100 < len(expected["Mail"]) < 220
    assert crowd.run(sync).planned == 0
    assert Experiment.objects.get(pk=experiment.pk).launched_at is not None
    services.choose_sync_groups(
        actor=crowd.actor,
        sync=sync,
        group_ids=list(experiment.groups.exclude(name="Holdout").values_list("pk", flat=True)),
    )
    crowd.run(sync)
    assert ids_there(crowd) == sorted(expected["Mail"] + expected["Post"])
    services.choose_sync_groups(actor=crowd.actor, sync=sync, group_ids=[])
    crowd.run(sync)
    assert len(ids_there(crowd)) == MEMBERS


def test_resizing_warns_once_it_has_begun_and_moves_the_fewest(crowd: Shop, everybody: Audience) -> None:
    experiment = divided(crowd, everybody, A=50, B=50)
    sync = for_group(crowd, everybody, experiment, "A")
    before = members(experiment)
    ids = {group.name: group.pk for group in experiment.groups.all()}
    grown = [GroupProposal("Alpha", Decimal(60), ids["A"]), GroupProposal("B", Decimal(40), ids["B"])]
    crowd.at_destination(f"ALTER TABLE {crowd.table} ADD CONSTRAINT picky CHECK (id <> {before['A'][0]})")
    assert crowd.run(sync).status == RunStatus.WARNING, "one was rejected; the others were reached"
    assert Recording.objects.count() == 1
    with pytest.raises(Conflict, match="10 % of the members would change"):
        services.change_experiment(actor=crowd.actor, audience=everybody, groups=grown)
    renamed = [GroupProposal("B", Decimal(50), ids["A"]), GroupProposal("A", Decimal(50), ids["B"])]
    services.change_experiment(actor=crowd.actor, audience=everybody, groups=renamed)
    assert members(experiment) == {"B": before["A"], "A": before["B"]}
    services.change_experiment(actor=crowd.actor, audience=everybody, groups=grown, anyway=True)
    after = members(experiment)
    assert set(before["A"]) < set(after["Alpha"])
    assert set(after["B"]) < set(before["B"])
    run = crowd.run(sync)
    again = 1
    assert (run.planned_added, run.planned_removed) == (len(after["Alpha"]) - len(before["A"]) + again, 0)


def test_unsound_groups_are_refused(crowd: Shop, everybody: Audience) -> None:
    for wrong in (shares(A=100), shares(A=50, B=49), shares(A=50, a=50), shares(A=100, B=0)):
        with pytest.raises(Invalid):
            services.enable_experiment(actor=crowd.actor, audience=everybody, groups=wrong)
    experiment = divided(crowd, everybody, A=50, B=50)
    with pytest.raises(Conflict, match="has experiment groups already"):
        divided(crowd, everybody, A=50, B=50)
    sync = for_group(crowd, everybody, experiment, "A")
    with pytest.raises(Conflict, match="would send everybody"):
        services.disable_experiment(actor=crowd.actor, audience=everybody)
    rest = [GroupProposal("B", Decimal(50), experiment.groups.get(name="B").pk), GroupProposal("C", Decimal(50))]
    with pytest.raises(Conflict, match="A sync is for “A”"):
        services.change_experiment(actor=crowd.actor, audience=everybody, groups=rest)
    other = audience_of(crowd, parent_of(crowd, "Others"), "Others", 1, 9)
    foreign = divided(crowd, other, X=50, Y=50).groups.first()
    assert foreign is not None
    with pytest.raises(NotFound):
        services.choose_sync_groups(actor=crowd.actor, sync=sync, group_ids=[foreign.pk])
    sync_services.delete_sync(actor=crowd.actor, sync=sync)
    services.disable_experiment(actor=crowd.actor, audience=everybody)
    divided(crowd, everybody, A=50, B=50)


def test_stratified_groups_are_exact_in_each_value_and_for_a_single_delivery(crowd: Shop, everybody: Audience) -> None:
    crowd.query("UPDATE customers SET plan = CASE WHEN id <= 100 THEN 'gold' ELSE 'free' END")
    experiment = services.enable_experiment(
        actor=crowd.actor, audience=everybody, groups=shares(A=25, B=75), stratify=["plan"]
    )
    with pytest.raises(Invalid):
        services.change_experiment(actor=crowd.actor, audience=everybody, groups=shares(A=25, B=75), stratify=["no"])
    sync = for_group(crowd, everybody, experiment, "A")
    crowd.run(sync)
    plans = [row[2] for row in crowd.there()]
    assert (plans.count("gold"), plans.count("free")) == (25, 75)
    sync_services.set_schedule(actor=crowd.actor, sync=sync, schedule=Schedule.every(1, "day"))
    with pytest.raises(Conflict, match="for a single delivery"):
        crowd.run(sync)


def test_the_pages_divide_count_and_begin_syncs(crowd: Shop, everybody: Audience) -> None:
    client = Client()
    client.force_login(crowd.place.owner)
    base = f"/{crowd.place.workspace.slug}"
    tab = f"{base}/studio/audiences/{everybody.pk}/experiments"
    assert "Did the campaign cause it?" in client.get(tab).content.decode()
    lines: dict[str, Any] = {"group-TOTAL_FORMS": 2, "group-INITIAL_FORMS": 0}
    lines |= {"group-0-name": "Mail", "group-0-percent": "80", "group-1-name": "Holdout", "group-1-percent": "10"}
    refused = client.post(tab, lines)
    assert refused.status_code == 422
    assert "10 % too little" in refused.content.decode()
    client.post(tab, {**lines, "group-1-percent": "20"})
    mail, holdout = Experiment.objects.get(audience=everybody).groups.all()
    client.post(f"{tab}/do/count")
    counted = everybody.calculations.first()
    assert counted is not None
    work(counted.pk)
    page = client.get(tab).content.decode()
    expected = members(mail.experiment)
    assert f">{len(expected['Mail'])}<" in page
    assert "No sync yet" in page

    began = client.post(f"{tab}/do/sync", {"group": holdout.pk})
    model = open_for_syncs(actor=crowd.actor, audience=everybody)
    assert began.headers["Location"] == f"{base}/syncs/new?model={model.pk}"
    configure = f"{base}/syncs/new/{model.pk}/{crowd.destination.pk}"
    settings = {"settings-table": f"public.{crowd.table}", "settings-batch_size": "100"}
    line = {"map-0-kind": "column", "map-0-column": "id", "map-0-to": "id", "map-0-identifier": "on"}
    behaviour = {"mode": "upsert", "removal": "delete", "first_run": "backfill"}
    sent = {**behaviour, **settings, "map-TOTAL_FORMS": "1", "map-INITIAL_FORMS": "0", **line}
    assert client.post(configure, sent).status_code == 302
    sync = Sync.objects.get(model=model)
    assert groups_of_sync(sync) == [holdout]
    own = f"{base}/studio/syncs/{sync.pk}/groups"
    assert "For Holdout" in client.get(own).content.decode()
    client.post(own, {"groups": [mail.pk]})
    assert groups_of_sync(sync) == [mail]
    assert everybody.name in client.get(f"{base}/studio/experiments").content.decode()


def test_programs_divide_audiences_and_choose_groups(crowd: Shop, everybody: Audience) -> None:
    client = with_key(crowd, "read", "write")
    path = f"/api/v1/audiences/{everybody.pk}/experiment"
    assert client.get(path).status_code == 404
    body = {"groups": [{"name": "A", "percent": "33.33"}, {"name": "B", "percent": "66.67"}]}
    made = client.put(path, body, content_type="application/json").json()
    assert [(each["name"], each["percent"]) for each in made["groups"]] == [("A", "33.33"), ("B", "66.67")]
    asked = client.post(f"{path}/count", {}, content_type="application/json").json()
    work(int(asked["id"]))
    counts = client.get(f"/api/v1/calculations/{asked['id']}").json()["answer"]
    assert sum(counts[each["id"]] for each in made["groups"]) > 0
    sync = sync_to_table(crowd, everybody)
    groups = f"/api/v1/syncs/{sync.pk}/experiment-groups"
    chosen = client.put(groups, {"groupIds": [int(made["groups"][0]["id"])]}, content_type="application/json")
    assert chosen.json() == client.get(groups).json() == {"groupIds": [made["groups"][0]["id"]]}
    assert client.get(path).json()["groups"][0]["syncIds"] == [str(sync.pk)]
    # A sync that runs by itself is for its groups from its first run on.
    model = sync.model_id
    proposal = crowd.proposal()
    wanted = {
        "modelId": model,
        "destinationId": crowd.destination.pk,
        "configuration": {
            "syncType": proposal.sync_type,
            "mode": proposal.mode,
            "removal": proposal.removal,
            "settings": proposal.settings,
            "mappings": [{"to": name, "value": name, "identifier": name == "id"} for name in ("id", "email")],
        },
        "schedule": {"type": "interval", "schedule": {"interval": {"quantity": 1, "unit": "day"}}},
        "experimentGroupIds": [int(made["groups"][1]["id"])],
    }
    added = client.post("/api/v1/syncs", wanted, content_type="application/json")
    assert added.status_code == 200, added.content
    assert client.get(path).json()["groups"][1]["syncIds"] == [added.json()["id"]]
    entry = AuditEntry.objects.get(event="sync.created", resource_id=added.json()["id"])
    assert entry.after
    assert entry.after["groups"] == ["B"]
    strange = {**wanted, "experimentGroupIds": [10**9]}
    assert client.post("/api/v1/syncs", strange, content_type="application/json").status_code == 404
    assert Sync.objects.filter(model_id=model).count() == 2, "nothing is left of what was refused"

    assert client.delete(path).status_code == 409
    Sync.objects.filter(pk=added.json()["id"]).delete()
    client.put(groups, {"groupIds": []}, content_type="application/json")
    assert client.delete(path).status_code == 204
