"""OpenID Connect against a real provider program: who gets in, as whom, and every answer that must not count."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client

from config.errors import Conflict
from tests.workspaces.sign_in_calls import sign_in_row
from tests.workspaces.sso.oidc_provider import GRACE, Person, agree, knows, prove, running_provider, set_up
from tests.workspaces.sso.test_saml import events, last_failure, signed_in_as
from tests.world import World
from workspaces import services
from workspaces.models import DirectoryGroup, GroupMember, IdentityProvider, OrganizationMember, User, UserGroup
from workspaces.scoping import unscoped, workspace_scope


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with running_provider() as address:
        yield address


@pytest.fixture
def oidc(world: World, issuer: str, settings: Any) -> IdentityProvider:
    settings.OUTBOUND_ALLOW = ["*"]
    cache.clear()
    return set_up(world, issuer)


@pytest.fixture
def grace(oidc: IdentityProvider) -> Person:
    return Person(oidc)


def groups_of(email: str) -> list[str]:
    rows = GroupMember.objects.filter(member__user__email=email, by_provider=True)
    return sorted(rows.values_list("group__name", flat=True))


def test_a_first_sign_in_makes_the_account_and_goes_on(grace: Person, world: World) -> None:
    response = grace.sign_in("?next=/acme/syncs")
    assert response["Location"] == "/acme/syncs", response.content.decode()
    user = sign_in_row("grace@acme.test")
    assert signed_in_as(grace.client) == user.pk
    assert (user.name, user.has_usable_password(), user.sso_organization_id) == (
        "Grace",
        False,
        world.acme.workspace.organization_id,
    )
    assert events()[-2:] == ["directory_person.updated", "session.signed_in"]
    listed = grace.client.get("/me/sessions").content.decode()
    assert "127.0.0.1" in listed


def test_the_request_asks_for_a_code_with_proof_and_nonce(grace: Person) -> None:
    query = parse_qs(urlsplit(grace.leave()).query)
    assert query["response_type"] == ["code"]
    assert query["code_challenge_method"] == ["S256"]
    assert all(len(query[name][0]) >= 32 for name in ("state", "nonce", "code_challenge"))
    again = parse_qs(urlsplit(grace.leave()).query)
    assert all(again[name] != query[name] for name in ("state", "nonce", "code_challenge"))


def test_later_sign_ins_bring_address_and_name_up_to_date(grace: Person, oidc: IdentityProvider) -> None:
    grace.sign_in()
    Person(oidc).sign_in(email="hopper@acme.test", name="Grace Hopper")
    people = User.objects.filter(sso_organization__isnull=False).values_list("email", "name")
    assert list(people) == [("hopper@acme.test", "Grace Hopper")]


def test_a_group_of_the_provider_opens_the_workspace_and_closes_it_again(grace: Person, world: World) -> None:
    grace.sign_in(groups=["Data", "Everybody"])
    assert grace.client.get("/acme/syncs").status_code == 404
    with workspace_scope(world.acme.workspace.pk):
        services.map_group(
            actor=world.acme.actor,
            organization=world.acme.workspace.organization,
            directory_group=DirectoryGroup.objects.get(name="Data"),
            group=UserGroup.objects.get(name="Editor group"),
        )
        assert groups_of("grace@acme.test") == ["Editor group"]
    assert grace.client.get("/acme/syncs").status_code == 200
    grace.sign_in(groups=["Everybody"])
    with workspace_scope(world.acme.workspace.pk):
        assert groups_of("grace@acme.test") == []
        assert OrganizationMember.objects.filter(user__email="grace@acme.test").exists()
    assert grace.client.get("/acme/syncs").status_code == 404


def test_groups_that_only_the_user_information_names_are_read(grace: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    from oidc_provider_mock._app import OpenIDCode

    def small(self: object, user: Any, scope: str) -> dict[str, object]:
        return {"sub": user.sub, **GRACE}

    monkeypatch.setattr(OpenIDCode, "generate_user_info", small)
    grace.sign_in(groups=["Far away"])
    with unscoped("the test looks at everything"):
        found = DirectoryGroup.objects.filter(memberships__person__user__email=GRACE["email"])
        assert [group.name for group in found] == ["Far away"]


def now() -> int:
    return int(time.time())


LIES: dict[str, tuple[Callable[[], dict[str, object]], str]] = {
    "for another application": (lambda: {"aud": "somebody-else"}, "audience"),
    "for several, and another one's": (lambda: {"aud": ["headrace", "other"], "azp": "other"}, "audience"),
    "of another provider": (lambda: {"iss": "https://evil.test"}, "issuer"),
    "with another sign-in's nonce": (lambda: {"nonce": "stolen"}, "not_yours"),
    "without a nonce": (lambda: {"nonce": None}, "not_yours"),
    "expired": (lambda: {"exp": now() - 120}, "time"),
    "from the future": (lambda: {"iat": now() + 600}, "time"),
    "not valid yet": (lambda: {"nbf": now() + 600}, "time"),
    "without an end": (lambda: {"exp": None}, "token"),
    "without an address": (lambda: {"email": None}, "missing_attributes"),
    "with no address": (lambda: {"email": "grace"}, "bad_email"),
}


@pytest.mark.parametrize("name", LIES)
def test_a_token_that_must_not_count(grace: Person, name: str) -> None:
    lie, failure = LIES[name]
    response = grace.sign_in("", **lie())
    assert (response.status_code, signed_in_as(grace.client)) == (403, None)
    assert (last_failure(), events()[-1]) == (failure, "session.refused")
    assert not User.objects.filter(sso_organization__isnull=False).exists()


def test_an_answer_counts_once_and_its_code_too(grace: Person) -> None:
    knows(grace.provider.issuer, grace.subject, **GRACE)
    answer = agree(grace.leave(), grace.subject)
    assert grace.bring(answer).status_code == 302
    grace.client.post("/accounts/logout/")
    assert grace.bring(answer).status_code == 403
    assert (signed_in_as(grace.client), last_failure()) == (None, "not_yours")
    code = parse_qs(urlsplit(answer).query)["code"][0]
    state = parse_qs(urlsplit(grace.leave()).query)["state"][0]
    assert grace.bring(f"/sso/acme/callback?code={code}&state={state}").status_code == 403
    assert (signed_in_as(grace.client), last_failure()) == (None, "client")


def test_an_answer_counts_in_the_browser_that_asked(grace: Person, oidc: IdentityProvider) -> None:
    knows(oidc.issuer, grace.subject, **GRACE)
    answer = agree(grace.leave(), grace.subject)
    victim = Person(oidc)
    victim.leave()
    assert victim.bring(answer).status_code == 403
    assert (signed_in_as(victim.client), last_failure()) == (None, "not_yours")


def test_a_code_for_another_sign_in_does_not_get_past_the_nonce(grace: Person, oidc: IdentityProvider) -> None:
    """The attacker's own code, put into the victim's address with the victim's state."""
    knows(oidc.issuer, "mallory", email="mallory@acme.test", name="Mallory")
    code = parse_qs(urlsplit(agree(Person(oidc).leave(), "mallory")).query)["code"][0]
    state = parse_qs(urlsplit(grace.leave()).query)["state"][0]
    assert grace.bring(f"/sso/acme/callback?code={code}&state={state}").status_code == 403
    assert (signed_in_as(grace.client), last_failure()) == (None, "not_yours")


def test_a_code_of_another_application_is_refused_by_the_provider(grace: Person) -> None:
    knows(grace.provider.issuer, grace.subject, **GRACE)
    assert grace.bring(agree(grace.leave(), grace.subject, client_id="other")).status_code == 403
    assert last_failure() == "client"


def test_an_answer_in_another_providers_name_is_refused(grace: Person) -> None:
    knows(grace.provider.issuer, grace.subject, **GRACE)
    answer = agree(grace.leave(), grace.subject)
    assert grace.bring(f"{answer}&iss=https%3A%2F%2Fevil.test").status_code == 403
    assert last_failure() == "issuer"


def test_the_providers_refusal_is_shown_in_its_own_words(grace: Person) -> None:
    state = parse_qs(urlsplit(grace.leave()).query)["state"][0]
    response = grace.bring(f"/sso/acme/callback?error=access_denied&error_description=Not+assigned&state={state}")
    assert (response.status_code, last_failure()) == (403, "refused")
    assert "Not assigned" in response.content.decode()


def test_only_addresses_in_proven_domains_get_in_unless_guests_are_welcome(grace: Person, world: World) -> None:
    assert grace.sign_in(email="grace@elsewhere.test").status_code == 302
    prove(world, "acme.test")
    visitor = Person(grace.provider, "00u2")
    response = visitor.sign_in(email="ada@elsewhere.test")
    assert (response.status_code, signed_in_as(visitor.client), last_failure()) == (403, None, "foreign_address")
    assert "ada@elsewhere.test" in response.content.decode()
    assert visitor.sign_in(email="ada@ACME.test").status_code == 302
    set_up(world, grace.provider.issuer, only_own_domains=False)
    assert Person(grace.provider, "00u3").sign_in(email="guest@elsewhere.test").status_code == 302


def test_turned_off_it_signs_nobody_in_and_ends_what_it_opened(grace: Person, world: World) -> None:
    grace.sign_in()
    knows(grace.provider.issuer, "late", **GRACE)
    late = Person(grace.provider, "late")
    answer = agree(late.leave(), "late")
    with workspace_scope(world.acme.workspace.pk):
        services.switch_identity_provider(actor=world.acme.actor, provider=grace.provider, enabled=False)
    assert late.bring(answer).status_code == 403
    assert (signed_in_as(late.client), last_failure()) == (None, "off")
    assert grace.client.get("/sso/acme").status_code == 403
    assert grace.client.get("/me/sessions")["Location"].startswith("/accounts/login/")


def test_nobody_turns_off_the_only_way_in_for_admins(grace: Person, world: World) -> None:
    grace.sign_in()
    with workspace_scope(world.acme.workspace.pk):
        OrganizationMember.objects.filter(user__email="grace@acme.test").update(is_admin=True)
        OrganizationMember.objects.filter(user=world.owner).update(is_admin=False)
    for page, form in (("switch", {"enabled": ""}), ("remove", {})):
        response = grace.client.post(f"/acme/organization/single-sign-on/{page}", form)
        assert response.status_code == 409, page
        assert "nobody could turn it on again" in response.content.decode()
    assert Client().get("/sso/acme").status_code == 302


def test_a_provider_that_calls_itself_something_else_or_is_away_is_named(world: World, settings: Any) -> None:
    settings.OUTBOUND_ALLOW = ["*"]
    provider = set_up(world, "http://localhost:9")
    response = Client().get(f"/sso/{provider.login_name}")
    assert (response.status_code, last_failure()) == (403, "unreachable")


def test_no_page_and_no_entry_shows_the_client_secret(grace: Person, world: World) -> None:
    from tests.workspaces.sso.oidc_provider import CLIENT_SECRET

    client = Client()
    client.force_login(world.owner)
    grace.sign_in()
    for page in ("single-sign-on", "single-sign-on/oidc", "audit-log"):
        assert CLIENT_SECRET not in client.get(f"/acme/organization/{page}", follow=True).content.decode()


def test_made_up_answers_do_not_fill_the_log(grace: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workspaces.sso.pending.MOST_NOTED", 3)
    before = events().count("session.refused")
    for _ in range(5):
        assert grace.bring("/sso/acme/callback?state=made-up").status_code == 403
    assert events().count("session.refused") - before == 3
    elsewhere = Client(REMOTE_ADDR="198.51.100.1")
    assert elsewhere.get("/sso/acme/callback?state=made-up").status_code == 403
    assert events().count("session.refused") - before == 4


def test_no_password_opens_an_account_of_the_provider(grace: Person, world: World, mailoutbox: list[Any]) -> None:
    grace.sign_in(email=world["editor"].email)
    mine = User.objects.get(sso_organization__isnull=False)
    password = "correct horse battery"
    grace.client.post("/accounts/password/set/", {"password1": password, "password2": password})
    mine.refresh_from_db()
    assert mine.has_usable_password()
    for form in ({}, {"use_password": "on"}):
        assert Client().post("/accounts/login/", {"login": mine.email, "password": password, **form}).status_code != 302
    Client().post("/accounts/password/reset/", {"email": mine.email})
    assert [mail.to for mail in mailoutbox] == [[world["editor"].email]]
    link = next(word for word in mailoutbox[0].body.split() if "/accounts/password/reset/key/" in word)
    browser = Client()
    form_at = browser.get(urlsplit(link).path)["Location"]
    browser.post(form_at, {"password1": "another long secret", "password2": "another long secret"})
    assert world["editor"].__class__.objects.get(pk=world["editor"].pk).check_password("another long secret")
    mine.refresh_from_db()
    assert mine.check_password(password)


def test_the_operators_commands_know_one_account_and_one_claim(grace: Person, world: World) -> None:
    grace.sign_in(email="olive@example.org")
    with pytest.raises(CommandError, match="no account"):
        call_command("operator", "olive@example.org")
    with pytest.raises(CommandError, match="Nobody has claimed"):
        call_command("prove_domain", "acme.test")
    for place in (world.acme, world.globex):
        with workspace_scope(place.workspace.pk):
            services.add_email_domain(actor=place.actor, organization=place.workspace.organization, domain="acme.test")
    with pytest.raises(CommandError, match="“Acme”, “Globex” claim"):
        call_command("prove_domain", "acme.test")
    call_command("prove_domain", "ACME.test", organization="Acme")
    with pytest.raises(Conflict, match="Another organization"):
        call_command("prove_domain", "acme.test", organization="Globex")
    assert events()[-1] == "email_domain.verified"
