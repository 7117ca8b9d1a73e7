"""One call of every service about signing in, for the test over all services."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from cryptography.fernet import Fernet
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.test import override_settings

from tests.world import BUILDER, World
from workspaces import services
from workspaces.models import (
    DirectoryGroup,
    DirectoryPerson,
    EmailDomain,
    GroupMapping,
    IdentityProvider,
    OrganizationMember,
    ScimToken,
    SignInRules,
    User,
)
from workspaces.scoping import unscoped


def sign_in_services(world: World) -> dict[str, Callable[[], object]]:
    """To be called, one after the other, in the scope of acme's workspace."""
    place, actor = world.acme, world.acme.actor
    organization, owner, viewer = place.workspace.organization, world.owner, world["viewer"]
    rows = place.rows
    provider: IdentityProvider = rows["identity_provider"]
    rules = services.Rules(second_factor=True, networks=("10.0.0.0/8",))
    trust = services.Trust(protocol="oidc", issuer="https://other.example.test", client_id="headrace")

    def end_somebodys_sessions() -> object:
        a_session(viewer)
        member = OrganizationMember.objects.get(user=viewer)
        return services.end_sessions(actor=actor, user=viewer, member=member)

    def end_what_the_provider_opened() -> object:
        a_session(sign_in_row("new@example.com"), identity_provider=str(provider.pk))
        return services.end_provider_sessions(actor=BUILDER, provider=provider, subject="1", indexes=())

    def allow_inviting_again() -> object:
        SignInRules.objects.filter(organization=organization).update(sso_required=True)
        return services.allow_inviting(actor=actor, organization=organization, allowed=True)

    def rotate_organization() -> object:
        RecoveryCodes.activate(owner)
        with a_newer_key():
            return services.rotate_sign_in_secrets(actor=actor, organization=organization)

    def rotate_stranger() -> object:
        stranger = User.objects.create_user("stranger@example.org", None)
        RecoveryCodes.activate(stranger)
        with a_newer_key():
            return services.rotate_second_factors(actor=BUILDER, user=stranger)

    def group() -> DirectoryGroup:
        return DirectoryGroup.objects.get(name="Everybody")

    return {
        "set_sign_in_rules": lambda: services.set_sign_in_rules(
            actor=actor, organization=organization, rules=rules, address="10.1.2.3"
        ),
        "end_sessions": end_somebodys_sessions,
        "note_second_factor": lambda: services.note_second_factor(actor=actor, user=owner, kind="passkey"),
        "note_lost_second_factor": lambda: services.note_lost_second_factor(actor=actor, user=owner, kind="passkey"),
        "note_renewed_codes": lambda: services.note_renewed_codes(actor=actor, user=owner, kind="recovery codes"),
        "note_linked_login": lambda: services.note_linked_login(actor=actor, user=owner, service_name="google"),
        "note_unlinked_login": lambda: services.note_unlinked_login(actor=actor, user=owner, service_name="google"),
        "save_identity_provider": lambda: services.save_identity_provider(
            actor=actor, organization=organization, trust=trust
        ),
        "note_test": lambda: services.note_test(actor=actor, provider=provider),
        "allow_inviting": allow_inviting_again,
        "switch_identity_provider": lambda: services.switch_identity_provider(
            actor=actor, provider=provider, enabled=True
        ),
        "admit_person": lambda: services.admit_person(
            actor=BUILDER, provider=provider, subject="1", email="new@example.com", name="New", groups=["Everybody"]
        ),
        "end_provider_sessions": end_what_the_provider_opened,
        "refuse_provider": lambda: services.refuse_provider(actor=BUILDER, provider=provider, failure="time"),
        "add_email_domain": lambda: services.add_email_domain(
            actor=actor, organization=organization, domain="example.org"
        ),
        "verify_email_domain": lambda: services.verify_email_domain(
            actor=BUILDER, domain=EmailDomain.objects.get(domain="example.org"), texts=lambda name: []
        ),
        "remove_email_domain": lambda: services.remove_email_domain(
            actor=actor, domain=EmailDomain.objects.get(domain="example.org")
        ),
        "map_group": lambda: services.map_group(
            actor=actor, organization=organization, directory_group=group(), group=None
        ),
        "unmap_group": lambda: services.unmap_group(actor=actor, mapping=GroupMapping.objects.get(group=None)),
        "rotate_sign_in_secrets": rotate_organization,
        "rotate_second_factors": rotate_stranger,
        **scim_services(world),
        "remove_identity_provider": lambda: services.remove_identity_provider(actor=actor, provider=provider),
    }


def a_session(user: User, **about: str) -> None:
    """A session that somebody has, listed; ``about`` is what their identity provider calls it."""
    from allauth.usersessions.models import UserSession

    session = SessionStore()
    session.save()
    UserSession.objects.create(user=user, ip="10.1.2.3", session_key=session.session_key, user_agent="", data=about)


def a_newer_key() -> override_settings:
    """Inside, everything that was sealed before needs an older key."""
    return override_settings(SECRET_KEYS=[Fernet.generate_key().decode(), *settings.SECRET_KEYS])


def scim_services(world: World) -> dict[str, Callable[[], object]]:
    """What an identity provider pushes, and the token it needs for that."""
    actor, organization = world.acme.actor, world.acme.workspace.organization
    ada = services.PushedPerson("ada", (services.PushedEmail("ada@example.com"),))

    def person() -> int:
        return DirectoryPerson.objects.get(user_name="ada").pk

    def group() -> DirectoryGroup:
        return DirectoryGroup.objects.get(name="Pushed")

    return {
        "make_scim_token": lambda: services.make_scim_token(actor=actor, organization=organization),
        "provision_person": lambda: services.provision_person(actor=BUILDER, organization=organization, pushed=ada),
        "update_person": lambda: services.update_person(
            actor=BUILDER,
            organization=organization,
            person_id=person(),
            change=lambda person: replace(services.pushed_person(person), display_name="Ada"),
        ),
        "provision_group": lambda: services.provision_group(
            actor=BUILDER, organization=organization, pushed=services.PushedGroup("Pushed")
        ),
        "update_directory_group": lambda: services.update_directory_group(
            actor=BUILDER,
            organization=organization,
            group_id=group().pk,
            change=lambda group: replace(services.pushed_group(group), members=frozenset({person()})),
        ),
        "remove_directory_group": lambda: services.remove_directory_group(
            actor=BUILDER, organization=organization, group_id=group().pk
        ),
        "remove_directory_person": lambda: services.remove_directory_person(
            actor=BUILDER, organization=organization, person_id=person()
        ),
        "remove_scim_token": lambda: services.remove_scim_token(
            actor=actor, token=ScimToken.objects.get(organization=organization)
        ),
    }


def sign_in_row(email: str) -> User:
    """The account of an identity provider with this address."""
    with unscoped("the test looks at everybody"):
        return User.objects.get(email=email, sso_organization__isnull=False)
