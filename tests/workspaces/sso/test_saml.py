"""SAML: who gets in, as whom, and every answer that must not count."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from governance.audit.models import AuditEntry
from tests.workspaces.sign_in_calls import sign_in_row
from tests.workspaces.sso.saml_idp import DIGEST1, SHA1, Answer, encode, key_pair
from tests.workspaces.sso.support import Visitor, set_up
from tests.world import BUILDER, World
from workspaces import services
from workspaces.models import (
    DirectoryGroup,
    GroupMember,
    IdentityProvider,
    OrganizationMember,
    SsoAttempt,
    User,
    UserGroup,
)
from workspaces.scoping import unscoped, workspace_scope


def signed_in_as(client: Client) -> int | None:
    user = client.session.get("_auth_user_id")
    return int(user) if user else None


def last_failure() -> str:
    with unscoped("the test looks at everything"):
        return SsoAttempt.objects.order_by("-pk").values_list("failure", flat=True)[0]


def events() -> list[str]:
    with unscoped("the test looks at all entries"):
        return list(AuditEntry.objects.order_by("pk").values_list("event", flat=True))


def test_a_first_sign_in_makes_the_account_and_goes_on(visitor: Visitor, world: World) -> None:
    visitor.leave("?next=/acme/syncs")
    response = visitor.bring(visitor.answer().encoded())
    assert response["Location"] == "/acme/syncs", response.content.decode()
    user = sign_in_row("grace@acme.test")
    assert signed_in_as(visitor.client) == user.pk
    assert (user.name, user.has_usable_password(), user.sso_organization_id) == (
        "Grace",
        False,
        world.acme.workspace.organization_id,
    )
    assert events()[-2:] == ["directory_person.updated", "session.signed_in"]
    with unscoped("the test looks at all entries"):
        entry = AuditEntry.objects.order_by("pk").last()
    assert entry is not None
    assert entry.after is not None
    assert entry.after["method"] == "sso (acme)"
    assert entry.organization_id == world.acme.workspace.organization_id


def test_a_person_in_no_mapped_group_is_told_whom_to_ask(visitor: Visitor) -> None:
    visitor.leave()
    visitor.bring(visitor.answer().encoded())
    assert visitor.client.get("/", follow=True).redirect_chain[-1][0] == "/welcome"
    assert visitor.client.get("/acme/syncs").status_code == 404


def test_attributes_follow_the_provider_and_the_subject_is_the_identity(provider: IdentityProvider) -> None:
    for name, email, subject in (
        ("Grace", "g@acme.test", "1"),
        ("Grace H.", "gh@acme.test", "1"),
        ("G", "gh@acme.test", "2"),
    ):
        visitor = Visitor(provider)
        visitor.leave()
        visitor.bring(visitor.answer(subject=subject, attributes={"email": [email], "name": [name]}).encoded())
    people = list(User.objects.filter(sso_organization__isnull=False).order_by("pk").values_list("name", "email"))
    assert people == [("Grace H.", "gh@acme.test"), ("G", "gh@acme.test")]


def test_an_account_of_ones_own_with_the_same_address_is_another(visitor: Visitor, world: World) -> None:
    visitor.leave()
    attributes = {"email": [world["editor"].email], "name": ["Impostor"]}
    visitor.bring(visitor.answer(attributes=attributes).encoded())
    assert signed_in_as(visitor.client) not in (None, world["editor"].pk)
    assert User.objects.filter(email=world["editor"].email).count() == 2


def test_namespaces_before_attribute_names_are_understood(visitor: Visitor) -> None:
    claims = "http://schemas.example.test/claims/"
    visitor.leave()
    attributes = {f"{claims}email": ["ns@acme.test"], f"{claims}name": ["Ns"]}
    assert visitor.bring(visitor.answer(attributes=attributes).encoded()).status_code == 302
    assert sign_in_row("ns@acme.test").name == "Ns"


def test_groups_map_add_and_take_away_only_the_providers_part(provider: IdentityProvider, world: World) -> None:
    def sign_in(groups: list[str]) -> OrganizationMember:
        visitor = Visitor(provider)
        visitor.leave()
        said = {"email": ["g@acme.test"], "name": ["G"], "groups": groups}
        visitor.bring(visitor.answer(attributes=said).encoded())
        return OrganizationMember.objects.get(user__email="g@acme.test")

    def here(member: OrganizationMember) -> list[str]:
        return sorted(GroupMember.objects.filter(member=member).values_list("group__name", flat=True))

    organization = world.acme.workspace.organization
    with workspace_scope(world.acme.workspace.pk):
        editors, viewers = (UserGroup.objects.get(name=f"{n} group") for n in ("Editor", "Viewer"))
        member = sign_in(["7e-uuid", "Admins of all"])
        assert here(member) == []
        data, admins = (DirectoryGroup.objects.get(name=n) for n in ("7e-uuid", "Admins of all"))
        actor = world.acme.actor
        services.map_group(actor=actor, organization=organization, directory_group=data, group=editors)
        services.map_group(actor=actor, organization=organization, directory_group=data, group=viewers)
        services.map_group(actor=actor, organization=organization, directory_group=admins, group=None)
        member.refresh_from_db()
        assert (here(member), member.is_admin) == (["Editor group", "Viewer group"], True)
        rest = list(OrganizationMember.objects.filter(groups__group=editors).exclude(pk=member.pk))
        with pytest.raises(Exception, match="identity provider") as refused:
            services.set_group_members(actor=actor, group=editors, members=rest)
        assert "members" in refused.value.fields  # type: ignore[attr-defined]
        GroupMember.objects.filter(member=member, group=viewers).update(by_hand=True)
        assert here(sign_in([])) == ["Viewer group"]
        member.refresh_from_db()
        assert not member.is_admin


Attack = Callable[[Visitor], str]
ATTACKS: dict[str, tuple[Attack, str]] = {
    "unsigned": (lambda v: v.answer(sign="").encoded(), "signature"),
    "signed by somebody else": (lambda v: v.answer(pair=key_pair("mallory")).encoded(), "signature"),
    "signed with SHA-1": (lambda v: v.answer(algorithm=(SHA1, DIGEST1)).encoded(), "signature"),
    "changed after signing": (lambda v: encode(v.answer().response().replace("grace@", "owner@")), "signature"),
    "expired": (lambda v: v.answer(age=timedelta(hours=1)).encoded(), "time"),
    "from the future": (lambda v: v.answer(age=timedelta(hours=-1)).encoded(), "time"),
    "for another application": (lambda v: v.answer(audience="https://other.test/").encoded(), "audience"),
    "for another address": (lambda v: v.answer(destination="https://other.test/acs").encoded(), "destination"),
    "of another provider": (lambda v: v.answer(issuer="https://evil.test/").encoded(), "issuer"),
    "to another request": (lambda v: v.answer(request_id="_other").encoded(), "not_yours"),
    "to no request": (lambda v: v.answer(request_id="").encoded(), "not_yours"),
    "a refusal": (lambda v: v.answer(status="urn:oasis:names:tc:SAML:2.0:status:Responder").encoded(), "refused"),
    "without a name": (lambda v: v.answer(attributes={"email": ["g@acme.test"]}).encoded(), "missing_attributes"),
    "with no address": (lambda v: v.answer(attributes={"email": ["g"], "name": ["G"]}).encoded(), "bad_email"),
    "without a subject": (lambda v: v.answer(subject="").encoded(), "no_subject"),
    "not XML": (lambda v: encode("hello"), "unreadable"),
    "not Base64": (lambda v: "%%%", "unreadable"),
    "an outside entity": (
        lambda v: encode('<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + v.answer().response()),
        "unreadable",
    ),
    "a billion laughs": (
        lambda v: encode('<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>' + v.answer().response()),
        "unreadable",
    ),
    "wrapped": (lambda v: encode(wrapped(v.answer())), "unreadable"),
    "two assertions": (lambda v: encode(doubled(v.answer())), "unreadable"),
}


def wrapped(answer: Answer) -> str:
    """A forged assertion where the real one stood, and the real, signed one hidden inside it."""
    real = answer.assertion()
    answer.sign = ""
    forged = answer.assertion().replace("grace@acme.test", "owner@acme.test").replace(answer.assertion_id, "_forged")
    return answer.response(forged.replace("</saml:Assertion>", f"<Extra>{real}</Extra></saml:Assertion>"))


def doubled(answer: Answer) -> str:
    """A forged assertion before the signed one."""
    real = answer.assertion()
    answer.sign = ""
    forged = answer.assertion().replace("grace@acme.test", "owner@acme.test").replace(answer.assertion_id, "_forged")
    return answer.response(forged + real)


@pytest.mark.parametrize("name", ATTACKS)
def test_what_must_not_count(visitor: Visitor, name: str) -> None:
    make, failure = ATTACKS[name]
    visitor.leave()
    response = visitor.bring(make(visitor))
    assert signed_in_as(visitor.client) is None
    assert response.status_code == 403
    assert (last_failure(), events()[-1]) == (failure, "session.refused")
    assert not User.objects.filter(sso_organization__isnull=False).exists()


def test_an_answer_counts_once(visitor: Visitor) -> None:
    visitor.leave()
    encoded = visitor.answer().encoded()
    assert visitor.bring(encoded).status_code == 302
    visitor.client.post("/accounts/logout/")
    assert visitor.bring(encoded).status_code == 403
    assert (signed_in_as(visitor.client), last_failure()) == (None, "not_yours")


def test_an_answer_counts_in_the_browser_that_asked(visitor: Visitor, provider: IdentityProvider) -> None:
    visitor.leave()
    victim = Visitor(provider, relay_state=visitor.relay_state)
    assert victim.bring(visitor.answer().encoded()).status_code == 403
    assert (signed_in_as(victim.client), last_failure()) == (None, "not_yours")


def test_sign_ins_begun_at_the_provider_count_where_allowed_and_once(world: World) -> None:
    visitor = Visitor(set_up(world, accepts_unasked=True))
    encoded = visitor.answer().encoded()
    assert visitor.bring(encoded, relay_state="https://evil.test/")["Location"] == "/"
    visitor.client.post("/accounts/logout/")
    visitor.bring(encoded, relay_state="")
    assert (signed_in_as(visitor.client), last_failure()) == (None, "replayed")


def test_one_organizations_provider_opens_no_other(visitor: Visitor, world: World) -> None:
    theirs = set_up(world, place="globex")
    visitor.leave()
    answer = visitor.answer(pair=key_pair("globex"))
    assert visitor.bring(answer.encoded()).status_code == 403
    other = Visitor(theirs)
    other.leave()
    attributes = {"email": [world.owner.email], "name": ["Owner"]}
    other.bring(other.answer(pair=key_pair("globex"), attributes=attributes).encoded())
    assert signed_in_as(other.client) != world.owner.pk
    assert other.client.get("/acme/syncs").status_code == 404


@pytest.mark.parametrize("address", ["https://evil.test/", "//evil.test/", "/\\evil.test", "javascript:alert(1)"])
def test_the_way_on_never_leads_elsewhere(visitor: Visitor, address: str) -> None:
    visitor.leave(f"?next={address}")
    assert visitor.bring(visitor.answer().encoded())["Location"] == "/"


def test_two_certificates_during_a_rotation_and_none_that_ran_out(world: World, provider: IdentityProvider) -> None:
    old, new, gone = key_pair(), key_pair("new"), key_pair("gone", days=-1)
    with workspace_scope(world.acme.workspace.pk):
        trust = services.Trust(
            protocol="saml",
            entity_id=provider.entity_id,
            sso_url=provider.sso_url,
            certificates=[pair.certificate for pair in (old, new, gone)],
        )
        saved = services.save_identity_provider(
            actor=BUILDER, organization=world.acme.workspace.organization, trust=trust
        )
    for pair, status in ((old, 302), (new, 302), (gone, 403)):
        visitor = Visitor(saved)
        visitor.leave()
        assert visitor.bring(visitor.answer(pair=pair).encoded()).status_code == status


def test_a_deactivated_person_is_told_so(visitor: Visitor) -> None:
    visitor.leave()
    visitor.bring(visitor.answer().encoded())
    User.objects.filter(email="grace@acme.test").update(is_active=False)
    visitor.client = Client()
    visitor.leave()
    response = visitor.bring(visitor.answer().encoded())
    assert "deactivated" in response.content.decode()
    assert signed_in_as(visitor.client) is None


def test_turned_off_it_signs_nobody_in(visitor: Visitor, world: World) -> None:
    visitor.leave()
    with workspace_scope(world.acme.workspace.pk):
        services.switch_identity_provider(actor=world.acme.actor, provider=visitor.provider, enabled=False)
    assert visitor.bring(visitor.answer().encoded()).status_code == 403
    assert visitor.client.get("/sso/acme").status_code == 403


def test_a_test_shows_what_was_said_and_signs_nobody_in(world: World, provider: IdentityProvider) -> None:
    with workspace_scope(world.acme.workspace.pk):
        services.switch_identity_provider(actor=world.acme.actor, provider=provider, enabled=False)
        IdentityProvider.objects.update(tested_at=None)
    visitor = Visitor(provider)
    visitor.client.force_login(world.owner)
    address = visitor.client.get("/sso/acme/test/acme")["Location"]
    from tests.workspaces.sso.saml_idp import request_in

    visitor.request_id, visitor.relay_state = request_in(address)
    assert visitor.bring(visitor.answer().encoded())["Location"] == "/acme/organization/single-sign-on?tested=1"
    assert signed_in_as(visitor.client) == world.owner.pk
    page = visitor.client.get("/acme/organization/single-sign-on").content.decode()
    assert "grace@acme.test" in page
    assert not User.objects.filter(email="grace@acme.test").exists()
    stranger = Client()
    stranger.force_login(world["editor"])
    assert stranger.get("/sso/acme/test/acme").status_code == 403


def test_our_metadata_names_the_same_addresses_as_the_page(provider: IdentityProvider) -> None:
    document = Client().get("/sso/acme/metadata").content.decode()
    assert 'entityID="http://127.0.0.1:8000/sso/acme/metadata"' in document
    assert 'Location="http://127.0.0.1:8000/sso/acme/acs"' in document
