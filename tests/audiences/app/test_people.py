"""Single rows through their pages: why somebody is in an audience or not, the search, and profiles."""

from __future__ import annotations

import re
from typing import Any

import orjson
from django.contrib.auth.models import Permission as StoredPermission

from audiences.choices import Cardinality
from audiences.models import ParentModelGrant, SchemaModel
from audiences.services import ColumnSettings, change_columns
from audiences.services.settings import change_studio_settings
from connectors.models import Source
from governance.audit.models import AuditEntry
from tests.audiences.app.acting import NORTH, Person, audience, where
from tests.audiences.app.shop import change, related
from tests.audiences.app.test_audiences import customers, place, source
from tests.workspaces.test_object_grants import custom_role
from tests.world import Place, World
from workspaces.access import forget_grants

__all__ = ["customers", "place", "source"]


PARTS = ("columns", "events", "related", "audiences")


def compared(operator: str, value: str) -> dict[str, Any]:
    """What a column is compared with."""
    return {"operator": operator, "operand": {"kind": "values", "values": [value]}}


def words(answer: Any) -> str:
    """What a page says, without its markup and pictures."""
    html = re.sub(r"<(script|style).*?</\1>", " ", answer.content.decode(), flags=re.S)
    return " ".join(re.sub(r"<title>(.*?)</title>|<[^>]+>", r" \1 ", html).split())


def explain(person: Person, customers: SchemaModel, key: str, **fields: Any) -> str:
    """Ask why somebody is in, or not."""
    slug = person.path.split("/")[1]
    return words(person.client.post(f"/{slug}/studio/parents/{customers.pk}/explain", {"key": key, **fields}))


def ordered(customers: SchemaModel, **event: Any) -> dict[str, Any]:
    """The condition of having ordered."""
    return {"type": "event", "relationship": str(customers.relationships_to.get().pk), **event}


def test_each_condition_says_whether_it_holds_and_what_decided_it(
    place: Place, customers: SchemaModel, source: Source
) -> None:
    not_linus = {**NORTH, "field": {"column": "name"}}
    not_linus["test"] = compared("not_equals", "Linus")
    either = {"type": "group", "match": "any", "conditions": [not_linus, ordered(customers)]}
    made = audience(place, customers, definition=where(NORTH, either))
    person = Person(place, f"audiences/{made.pk}/members")
    said = explain(person, customers, "1", audience=made.pk)
    assert "Ada is in it." in said
    assert "Holds region is “north” It is north ." in said
    assert "Holds any of these holds" in said
    said = explain(person, customers, "3", audience=made.pk)
    assert "Linus is not in it. At least one of the conditions does not hold." in said
    assert "Does not hold region is “north” It is south ." in said
    assert "Does not hold did Orders" in said
    assert "It is empty." in explain(person, customers, "4", audience=made.pk)
    assert "There is no row with the key “77”" in explain(person, customers, "77", audience=made.pk)
    assert "Give the id of one row." in explain(person, customers, " ", audience=made.pk)
    unsaved = orjson.dumps(where(match="any")).decode()
    assert "everybody is" in explain(person, customers, "4", tree=unsaved)
    rows = f"/{place.slug}/studio/parents/{customers.pk}/explain/rows"
    asked = {"audience": made.pk, "key": "1", "pointer": "/where/conditions/1/conditions/1"}
    found = words(person.client.post(rows, asked))
    assert found.index("11 1 7") < found.index("10 1 20.5"), "newest first"
    assert "No rows of another model decide" in words(
        person.client.post(rows, {**asked, "pointer": "/where/conditions/0"})
    )
    page = words(person.client.post(f"/{place.slug}/studio/parents/{customers.pk}/members", {"audience": made.pk}))
    assert "Is somebody in it?" in page
    assert "Why? Profile" in page
    assert AuditEntry.objects.filter(event="schema_model.evidence_viewed", resource_id=customers.pk).count() == 1


def test_limits_and_hidden_values_are_told_as_such(place: Place, customers: SchemaModel, source: Source) -> None:
    only = {"by": {"column": "joined"}, "count": 1}
    made = audience(place, customers, definition={**where(NORTH), "limit": only})
    person = Person(place, f"audiences/{made.pk}/members")
    assert "Grace is in it." in explain(person, customers, "2", audience=made.pk)
    said = explain(person, customers, "1", audience=made.pk)
    assert "The conditions hold, and there are others before: only the top 1 by joined." in said
    change_columns(actor=place.actor, model=customers, names=["region"], settings=ColumnSettings(privacy="redacted"))
    said = explain(person, customers, "1", audience=made.pk)
    assert "Holds region is “north” The value is hidden by its privacy." in said


def test_somebody_is_found_and_has_a_profile(place: Place, customers: SchemaModel, source: Source) -> None:
    related(place, "lines", "order_id", customers, (Cardinality.MANY_TO_ONE, (("order_id", "id"),)))
    change(source, "INSERT INTO lines VALUES (1, 7, 1, 3)")
    made = audience(place, customers)
    audience(place, customers, "Southerners", where({**NORTH, "test": compared("not_equals", "north")}))
    change_columns(actor=place.actor, model=customers, names=["email"], settings=ColumnSettings(privacy="redacted"))
    person = Person(place, f"profiles/{customers.pk}?q=lin")
    assert f"/profiles/{customers.pk}/rows?q=lin" in person.html
    base = f"/{place.slug}/studio/profiles/{customers.pk}"
    assert person.client.get(f"/{place.slug}/studio/profiles").headers["Location"] == base
    found = words(person.client.get(f"{base}/rows?q=lin"))
    assert "Linus" in found
    assert "Ada" not in found
    assert "Grace" in words(person.client.get(f"{base}/rows?q=2"))
    assert "Nobody was found" in words(person.client.get(f"{base}/rows?q=nobody"))
    assert "Ada" in words(person.client.get(f"{base}/rows"))
    page = person.client.get(f"{base}/one?key=1").content.decode()
    parts = {part: words(person.client.get(f"{base}/one/{part}?key=1")) for part in PARTS}
    assert all(f"{base}/one/{part}?key=1" in page for part in parts)
    assert "name Ada id 1 region north" in parts["columns"]
    assert "email hidden by its privacy" in parts["columns"]
    assert "ada@shop.test" not in str(parts)
    assert parts["events"].index("2 May 2026") < parts["events"].index("1 May 2026")
    assert "Lines order_id product_id shop_id amount 1 7 1 3" in parts["related"]
    assert made.name in parts["audiences"]
    assert "Southerners" not in parts["audiences"]
    assert "There is no row" in words(person.client.get(f"{base}/one/columns?key=77"))
    assert AuditEntry.objects.filter(event="schema_model.profile_viewed", resource_id=customers.pk).count() == 4
    change_studio_settings(actor=place.actor, redacted_words="Field redacted")
    assert "email Field redacted" in words(person.client.get(f"{base}/one/columns?key=1"))


def test_a_search_goes_by_what_may_be_seen(place: Place, customers: SchemaModel, source: Source) -> None:
    person = Person(place, f"profiles/{customers.pk}")

    def search(sought: str) -> str:
        return words(person.client.get(f"/{place.slug}/studio/profiles/{customers.pk}/rows", {"q": sought}))

    assert "Ada" in search("ada")
    assert "Ada" not in search("9" * 200), "a number that no key can be"
    change_columns(actor=place.actor, model=customers, names=["name"], settings=ColumnSettings(privacy="sync_only"))
    assert "ada@shop.test" in search("1"), "a label that nobody sees is not searched, the key is"
    assert "ada@shop.test" not in search("ada")
    assert "Nothing of Customers can be searched by “ada”." in search("ada")


def test_rows_are_shown_to_those_who_may_see_them(world: World, place: Place, customers: SchemaModel) -> None:
    made = audience(place, customers)
    viewer = Person(place, f"profiles/{customers.pk}", world.people["viewer"])
    assert "You may not see rows of Customers." in viewer.html
    base = f"/{place.slug}/studio/profiles/{customers.pk}"
    closed = [
        f"{base}/rows?q=Ada",
        *(f"{base}/one/{part}?key=1" for part in PARTS),
    ]
    for path in closed:
        said = words(viewer.client.get(path))
        assert "You may not see rows of Customers." in said
        assert "north" not in said
    assert "You may not see rows of Customers." in explain(viewer, customers, "1", audience=made.pk)
    role = custom_role(world, "Support")
    stored = StoredPermission.objects.get(content_type__model="schemamodel", codename="view_rows")
    ParentModelGrant.objects.create(
        workspace_id=role.workspace_id, role=role, permission=stored, content_object=customers
    )
    forget_grants()
    seer = Person(place, f"profiles/{customers.pk}", world.people["member"])
    assert "Ada is in it." in explain(seer, customers, "1", audience=made.pk)
    assert all("You may not see" not in words(seer.client.get(path)) for path in closed)
