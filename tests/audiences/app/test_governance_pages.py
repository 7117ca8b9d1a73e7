"""The studio's governance through its pages: levels of columns, rules, subsets, and what a marketer meets of them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.test import Client

from audiences.calculating import work
from audiences.models import Audience, Calculation, DestinationRule, SchemaModel, SubsetCategory
from audiences.services import audiences as building
from connectors.models import Destination
from tests.audiences.app.acting import Person, marketer, subset, where
from tests.audiences.app.shop import orders, parent, warehouse
from tests.connectors.app.connections import a_destination
from tests.world import Place, World
from workspaces import services as people
from workspaces.grants import Grant
from workspaces.models import Role
from workspaces.permissions import Permission
from workspaces.scoping import workspace_scope


@pytest.fixture
def place(world: World) -> Iterator[Place]:
    with workspace_scope(world.acme.workspace.pk):
        yield world.acme


@pytest.fixture
def customers(place: Place) -> SchemaModel:
    made = parent(place, warehouse(place))
    orders(place, made)
    return made


@pytest.fixture
def mailer(place: Place) -> Destination:
    return a_destination(place)


def only_condition(person: Person, column: str, value: str) -> None:
    """One property condition, clicked together."""
    person.press("add|/where|property")
    person.type(**{"json:/where/conditions/0/field": f'{{"column":"{column}","via":[]}}'})
    person.type(**{"list:/where/conditions/0/test/operand/values": value})


def test_subsets_are_set_up_by_clicking_and_marketers_meet_them(
    world: World, place: Place, customers: SchemaModel, mailer: Destination
) -> None:
    building.create_audience(actor=place.actor, parent=customers, name="Old", definition=where())
    role = people.create_role(actor=place.actor, workspace=place.workspace, name="Northern team")
    chosen = Person(place, "governance/subsets/new")
    assert chosen.client.get(chosen.path).headers["Location"].endswith(f"subsets/new/{customers.pk}")
    form = Person(place, f"governance/subsets/new/{customers.pk}")
    form.client.post(form.path, {"name": "Region", "description": "Where people live"})
    category = SubsetCategory.objects.get()
    for name in ("North", "South"):
        person = Person(place, f"governance/subsets/{category.pk}/new")
        only_condition(person, "region", name.lower())
        assert f"Customers where region is “{name.lower()}”." in person.html
        assert person.press("save", name=name, role=str(role.pk) if name == "North" else "").status_code == 200
    assert subset("North").grants.get().role == role
    page = Person(place, f"governance/subsets/{category.pk}")
    assert "1 audience of Customers is built from none of them" in page.html
    refused = page.client.post(page.path, {"name": "Region", "required": "on"})
    assert refused.status_code == 422
    page.client.post(page.path, {"name": "Region", "required": "on", "fallback": subset("North").pk})
    assert SubsetCategory.objects.get().required
    effect = Person(place, f"subsets/{subset('North').pk}").html
    assert "1 audience is built from it, and changes with it." in effect
    assert "Old" in effect

    none, north = marketer(world, customers), marketer(world, customers, "North")
    barred = Person(place, f"audiences/new/{customers.pk}", none).html
    assert "You may not build audiences on Customers yet." in barred
    person = Person(place, f"audiences/new/{customers.pk}", north)
    assert "the only one that your roles hold" in person.html
    assert "All Customers. Only within “North”." in person.html
    assert "South" in re.sub(r"(?s).*Something missing\?", "", person.html)  # told, with who can change it
    assert "owner@acme.test" in person.html
    assert f"Sending to {mailer.name}" in person.html
    role = Role.objects.get(name="Marketing North")
    people.change_role_grants(actor=place.actor, role=role, give=[Grant(Permission.DRAFT_TO_DESTINATION, mailer.pk)])
    person = Person(place, f"audiences/new/{customers.pk}", north)
    assert f"Sending to {mailer.name}" not in person.html
    assert f"Syncs to {mailer.name} that run at once" in person.html
    assert f'value="{subset("South").pk}"' not in person.html
    person.press("save", name="Mine", subsets="1", subset=str(subset("South").pk))
    assert "do not hold “South”" in person.html
    person.press("save", name="Mine", subsets="1")
    mine = Audience.objects.get(name="Mine")
    assert [row.subset.name for row in mine.chosen.all()] == ["North"]
    listed = Person(place, f"audiences?subset={subset('South').pk}", north).html
    assert "No audience matches" in listed

    boss = Person(place, f"audiences/{mine.pk}/definition")
    boss.press("save", subsets="1", subset=str(subset("South").pk))
    seen = Person(place, f"audiences/{mine.pk}/definition", north)
    assert "You can look at this audience, and not change it." in seen.html
    assert "Save audience" not in seen.html
    assert seen.press("save", subsets="1").status_code == 403


def test_rules_are_made_by_clicking_and_their_effect_is_shown(
    world: World, place: Place, customers: SchemaModel, mailer: Destination
) -> None:
    person = Person(place, f"governance/rules/new/{customers.pk}")
    only_condition(person, "region", "north")
    assert person.press("save", name="North only").status_code == 422
    assert "Choose a destination." in person.html
    person.press("save", name="North only", to=str(mailer.pk))
    made = DestinationRule.objects.get()
    assert mailer.name in Person(place, "governance/rules").html
    everybody = building.create_audience(actor=place.actor, parent=customers, name="All", definition=where())

    url = f"/{place.slug}/studio/parents/{customers.pk}"
    asked = {"audience": everybody.pk, "destination": mailer.pk}
    page = Person(place, f"audiences/{everybody.pk}/members")
    assert f"Only whom {mailer.name} may get" in page.html
    members = page.client.post(f"{url}/members", asked).content.decode()
    assert "Grace" in members
    assert "Linus" not in members
    page.client.post(f"{url}/calculate", asked)
    work(Calculation.objects.get().pk)
    size = Person(place, f"calculations/{Calculation.objects.get().pk}").html
    assert f"may go to {mailer.name}: 2 by “North only”" in re.sub(r"\s+", " ", re.sub("<[^>]+>", "", size))

    page = Person(place, f"governance/rules/{made.pk}")
    page.press("save", name="North only")  # without the switch: off
    assert not DestinationRule.objects.get().enabled
    page = Person(place, f"governance/rules/{made.pk}")
    page.press("drop|/where/conditions/0/test/operand")
    assert "1 to finish" in page.html
    viewer = Person(place, f"governance/rules/{made.pk}", world.people["viewer"])
    assert "You can look at this rule, and not change it." in viewer.html
    assert viewer.press("save", name="Mine").status_code == 403
    # The destination stays as long as it has rules.
    gone = page.client.post(
        f"/{place.slug}/destinations/{mailer.pk}/delete", {"confirm_name": mailer.name}, follow=True
    )
    assert "North only" in gone.content.decode()
    assert Destination.objects.filter(pk=mailer.pk).exists()
    page.client.post(f"{page.path}/delete")
    assert not DestinationRule.objects.exists()


def test_levels_of_many_columns_are_set_on_one_page(world: World, place: Place, customers: SchemaModel) -> None:
    email, name = (customers.columns.get(name=each) for each in ("email", "name"))
    page = Person(place, "governance")
    assert "look like personal data" in page.html
    assert "Looks like: E-mail" in page.html
    flagged = Person(place, "governance?flagged=yes").html
    assert "<code>email</code>" in flagged
    assert "<code>region</code>" not in flagged
    sent = {"selected": [email.pk, name.pk], "do": "privacy", "to_privacy": "redacted"}
    page.client.post(page.path, sent)
    assert set(customers.columns.filter(privacy="redacted").values_list("name", flat=True)) == {"email", "name"}
    page.client.post(page.path, {"selected": [email.pk], "privacy": "redacted", "personal_data": "email"})
    assert customers.columns.get(name="email").personal_data == "email"
    changed = Person(place, "governance?level=redacted").html
    assert "Looks like" not in re.sub(r"(?s)<thead.*?</thead>", "", changed).split("<tbody>")[1].split("</tbody>")[0]
    first = re.findall(r"<td><code>(\w+)</code>", Person(place, "governance").html)[0]
    assert first == "email"  # the newest decision
    key = customers.columns.get(name="id")
    told = page.client.post(
        page.path, {"selected": [key.pk, email.pk], "do": "privacy", "to_privacy": "blocked"}, follow=True
    )
    assert "identifies the rows" in told.content.decode()
    viewer = Client()
    viewer.force_login(world.people["viewer"])
    assert viewer.get(page.path).status_code == 200
    assert viewer.post(page.path, sent).status_code == 403


def test_consent_begins_with_a_subset_of_whom_agreed_to_get_email(place: Place, customers: SchemaModel) -> None:
    form = Person(place, f"governance/subsets/new/{customers.pk}")
    to = form.client.post(form.path, {"consent": "1"}).headers["Location"]
    path = to.partition("/studio/")[2]
    begun = Person(place, path)
    assert 'value="Email"' in begun.html
    assert "1 to finish" in begun.html, "no column of the shop says who agreed"
    customers.columns.filter(name="region").update(name="email_opt_in", type="boolean")
    begun = Person(place, path)
    assert "where email_opt_in is" in begun.html
    assert "to finish" not in begun.html
    again = form.client.post(form.path, {"consent": "1"}).headers["Location"]
    assert again == to
    assert SubsetCategory.objects.get().name == "Consent management"
