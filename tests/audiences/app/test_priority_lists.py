"""Priority lists: an order of audiences, and what their syncs send because of it."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from audiences import services as schema_services
from audiences.models import PriorityList, SchemaModel
from audiences.services import audiences as writes
from audiences.services import priority
from config.errors import Conflict, Invalid
from tests.audiences.app.acting import with_key
from tests.audiences.app.crowd import audience_of, ids_there, parent_of, sync_to_table
from tests.syncs.app.shop import Shop


def test_whoever_is_in_several_goes_to_the_highest_alone_until_the_order_changes(
    crowd: Shop, people: SchemaModel
) -> None:
    low, high = audience_of(crowd, people, "Low", 1, 4), audience_of(crowd, people, "High", 3, 6)
    ranked = priority.create_priority_list(
        actor=crowd.actor, parent=people, name="Once", audience_ids=[high.pk, low.pk]
    )
    of_low = sync_to_table(crowd, low)
    crowd.run(of_low)
    assert ids_there(crowd) == [1, 2]
    priority.update_priority_list(actor=crowd.actor, priority_list=ranked, audience_ids=[low.pk, high.pk])
    crowd.run(of_low)
    assert ids_there(crowd) == [1, 2, 3, 4]
    of_high = sync_to_table(crowd, high)
    crowd.run(of_high)
    assert ids_there(crowd) == [5, 6]
    priority.delete_priority_list(actor=crowd.actor, priority_list=ranked)
    crowd.run(of_high)
    assert ids_there(crowd) == [3, 4, 5, 6]


def test_the_rules_of_a_list_hold_at_every_door(crowd: Shop, people: SchemaModel) -> None:
    one, two, three = (audience_of(crowd, people, name, 1, 2) for name in ("One", "Two", "Three"))
    foreign = audience_of(crowd, parent_of(crowd, "Accounts"), "Foreign", 1, 2)
    make: dict[str, Any] = {"actor": crowd.actor, "parent": people, "name": "Once"}
    for ids in ([one.pk], [one.pk, one.pk], [one.pk, foreign.pk]):
        with pytest.raises(Invalid):
            priority.create_priority_list(**make, audience_ids=ids)
    with pytest.raises(Conflict, match="is not there"):
        priority.create_priority_list(**make, audience_ids=[one.pk, 987_654])
    ranked = priority.create_priority_list(**make, audience_ids=[one.pk, two.pk])
    with pytest.raises(Conflict, match="already stands in the priority list “Once”"):
        priority.create_priority_list(**{**make, "name": "Twice"}, audience_ids=[two.pk, three.pk])
    with pytest.raises(Conflict, match="stands in the priority list"):
        writes.delete_audience(actor=crowd.actor, audience=one)
    with pytest.raises(Conflict, match="priority list “Once”"):
        schema_services.archive_schema_model(actor=crowd.actor, model=people)

    client = with_key(crowd, "read", "write")
    wire = client.get(f"/api/v1/priority-lists/{ranked.pk}").json()
    assert (wire["name"], wire["audienceIds"]) == ("Once", [str(one.pk), str(two.pk)])
    body = {"audienceIds": [three.pk, two.pk, one.pk]}
    changed = client.patch(f"/api/v1/priority-lists/{ranked.pk}", body, content_type="application/json")
    assert changed.json()["audienceIds"] == [str(three.pk), str(two.pk), str(one.pk)]
    too_few = client.patch(
        f"/api/v1/priority-lists/{ranked.pk}", {"audienceIds": [one.pk]}, content_type="application/json"
    )
    assert too_few.status_code == 422
    assert [each["id"] for each in client.get("/api/v1/priority-lists").json()["data"]] == [str(ranked.pk)]
    assert client.delete(f"/api/v1/priority-lists/{ranked.pk}").status_code == 204


def test_the_pages_add_reorder_and_delete_a_list(crowd: Shop, people: SchemaModel) -> None:
    one, two, three = (audience_of(crowd, people, name, 1, 2) for name in ("Ones", "Twos", "Threes"))
    client = Client()
    client.force_login(crowd.place.owner)
    base = f"/{crowd.place.workspace.slug}/studio/priority-lists"
    assert client.get(f"{base}/new").headers["Location"] == f"{base}/new/{people.pk}"  # the only parent model

    def sent(*ids: int) -> dict[str, Any]:
        lines = {f"place-{i}-audience": str(pk) for i, pk in enumerate(ids)}
        places = {f"place-{i}-ORDER": str(i + 1) for i in range(len(ids))}
        return {"name": "Once", "place-TOTAL_FORMS": len(ids), "place-INITIAL_FORMS": 0, **lines, **places}

    refused = client.post(f"{base}/new/{people.pk}", sent(one.pk))
    assert refused.status_code == 422
    assert "2 audiences at least" in refused.content.decode()
    client.post(f"{base}/new/{people.pk}", sent(one.pk, two.pk))
    made = PriorityList.objects.get(name="Once")
    assert "Once" in client.get(base).content.decode()
    assert "Threes" in client.get(f"{base}/{made.pk}").content.decode()  # the picker offers who is in no other list
    assert "Ones" not in client.get(f"{base}/new/{people.pk}").content.decode()
    turned = {**sent(one.pk, two.pk, three.pk), "place-0-ORDER": "3", "place-2-ORDER": "1"}
    client.post(f"{base}/{made.pk}", turned)
    assert list(made.places.values_list("audience_id", flat=True)) == [three.pk, two.pk, one.pk]
    client.post(f"{base}/{made.pk}/delete")
    assert not PriorityList.objects.filter(pk=made.pk).exists()
