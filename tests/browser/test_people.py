"""An admin without a mail server brings five people in, gives them a role of their own, looks as one, removes one."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Page, expect

from governance.audit.models import AuditEntry
from tests.browser.conftest import Open
from tests.world import World, build_world
from workspaces import services
from workspaces.actors import person
from workspaces.models import OrganizationMember, User
from workspaces.scoping import unscoped, workspace_scope

pytestmark = pytest.mark.browser

PEOPLE = ("ada", "ben", "cho", "dia", "eli")
PASSWORD = "a-long-and-quiet-river"


@pytest.fixture(scope="module")
def acme(server: str) -> World:
    """The world, in the database that the server shares."""
    world = build_world()
    for name in ("group", "source", "destination"):
        assert world.acme.rows[name]
    return world


def signed_in(open_page: Open, server: str, client: Client) -> Page:
    page = open_page("/accounts/login/")
    page.context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": f"{server}/"}])
    return page


def invite(page: Page, at: str) -> dict[str, str]:
    """Links for all of them, by name."""
    page.goto(f"{at}/organization/people/invite")
    page.get_by_label("E-mail addresses").fill("\n".join(f"{name}@five.test" for name in PEOPLE))
    page.get_by_label("Analysts").check()
    page.get_by_role("button", name="Make invitations").click()
    expect(page.get_by_text("This installation has no mail server.")).to_be_visible()
    text = page.locator(".snippet pre").inner_text()
    return dict(re.findall(r"(\w+)@five\.test \S+?(/invitations/\S+)", text))


def join_by_form(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.get_by_label(re.compile("^E-?mail"))).to_have_value("ada@five.test")
    page.get_by_label("Your name").fill("Ada")
    page.get_by_label("Password", exact=False).first.fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    expect(page).not_to_have_url(re.compile("signup"))


def join(link: str, name: str) -> None:
    """The same without a browser."""
    client = Client()
    client.get(link)
    client.post("/accounts/signup/", {"name": name.capitalize(), "email": f"{name}@five.test", "password1": PASSWORD})


def make_role(page: Page, at: str) -> None:
    """A role that builds models on all sources, held by the group that the people joined."""
    page.goto(f"{at}/settings/roles/new")
    page.get_by_label("Name").fill("Model builders")
    page.get_by_role("button", name="Create role").click()
    page.get_by_role("main").get_by_role("link", name=re.compile("^Sources")).click()
    page.get_by_label("Draft on all sources").check()
    page.get_by_label("Publish on all sources").check()
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_label("Publish on all sources")).to_be_checked()
    page.goto(f"{at}/settings/access")
    page.get_by_label("Role of Analysts").select_option("Model builders")
    row = page.get_by_role("row", name=re.compile("Analysts"))
    row.get_by_role("button", name="Save role").click()
    expect(page.get_by_label("Role of Analysts")).to_have_value(re.compile(r"\d+"))


def look_as(page: Page, at: str, member: OrganizationMember) -> None:
    page.goto(f"{at}/settings/access/people/{member.pk}")
    page.get_by_role("button", name="Look as Ben").click()
    expect(page.get_by_role("status").filter(has_text="Nothing can be changed")).to_be_visible()
    rail = page.get_by_role("navigation", name="Workspace", exact=True)
    expect(rail.get_by_role("link", name="Models")).to_be_visible()
    expect(rail.get_by_role("link", name="API keys")).to_have_count(0)
    page.get_by_role("button", name="Stop looking").click()
    expect(rail.get_by_role("link", name="API keys")).to_be_visible()


def remove(page: Page, at: str, member: OrganizationMember) -> None:
    page.goto(f"{at}/organization/people/{member.pk}")
    page.get_by_role("button", name="Remove person").click()
    dialog = page.get_by_role("dialog", name="Remove Ada")
    expect(dialog).to_contain_text("API keys that stop (1): Night job")
    expect(dialog).to_contain_text("Models that stay as they are (1): Adas model")
    dialog.get_by_role("button", name="Remove person").click()
    expect(page.get_by_text("ada@five.test was removed.")).to_be_visible()


def test_five_people_come_one_goes(open_page: Open, server: str, acme: World, settings: Any) -> None:
    from syncs.models import Model

    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"  # as where no mail server is set
    owner, at = Client(), f"{server}/acme"
    owner.force_login(acme.owner)
    page = signed_in(open_page, server, owner)
    with unscoped("the test reads entries of the organization"):
        last = AuditEntry.objects.order_by("-pk").values_list("pk", flat=True)[0]
    links = invite(page, at)
    assert set(links) == set(PEOPLE)
    hers = open_page("/accounts/login/")
    join_by_form(hers, server + links["ada"])
    for name in PEOPLE[1:]:
        join(links[name], name)
    make_role(page, at)
    with workspace_scope(acme.acme.workspace.pk):
        members = {m.user.name: m for m in OrganizationMember.objects.select_related("user")}
        assert {name.capitalize() for name in PEOPLE} <= set(members)
        key = own_things(acme, members["Ada"].user)
        look_as(page, at, members["Ben"])
        hers.goto(f"{at}/models")
        expect(hers.get_by_role("link", name="Adas model")).to_be_visible()
        assert Client().get("/api/v1/models", headers={"Authorization": f"Bearer {key}"}).status_code == 200
        remove(page, at, members["Ada"])
        hers.goto(f"{at}/models")
        expect(hers.get_by_role("link", name="Adas model")).to_have_count(0)
        assert Client().get("/api/v1/models", headers={"Authorization": f"Bearer {key}"}).status_code == 401
        assert Model.objects.filter(name="Adas model").exists(), "what she made stays"
        assert not OrganizationMember.objects.filter(user__name="Ada").exists()
    with unscoped("the test reads entries of the organization"):
        entries = list(AuditEntry.objects.filter(pk__gt=last).order_by("pk").values_list("event", flat=True))
    for event, times in EXPECTED.items():
        assert entries.count(event) == times, event
    assert entries.index("look.started") < entries.index("look.ended") < entries.index("member.removed")


EXPECTED = {
    "invitation.created": 5,
    "person.created": 5,
    "member.joined": 5,
    "role.created": 1,
    "role.updated": 1,
    "group_role.changed": 1,
    "api_key.created": 1,
    "model.created": 1,
    "look.started": 1,
    "look.ended": 1,
    "member.removed": 1,
}


def own_things(acme: World, ada: User) -> str:
    """A model and an API key of hers; the key's secret."""
    from syncs import services as syncs
    from syncs.choices import ModelMethod
    from syncs.definitions import Definition
    from tests.world import BUILDER

    syncs.create_model(
        actor=person(ada),
        source=acme.acme.rows["source"],
        name="Adas model",
        definition=Definition(method=ModelMethod.SQL, sql="SELECT * FROM customers"),
        primary_key="id",
    )
    made = services.create_api_key(actor=BUILDER, workspace=acme.acme.workspace, name="Night job", owner=ada)
    return made.secret
