"""An organization with an identity provider, and browsers on their way to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.test import Client

from tests.workspaces.sso.saml_idp import ENTITY, SSO_URL, Answer, key_pair, request_in
from tests.world import BUILDER, World
from workspaces import services
from workspaces.models import IdentityProvider
from workspaces.scoping import workspace_scope
from workspaces.sso import saml


@dataclass
class Visitor:
    """A browser that was sent to the identity provider."""

    provider: IdentityProvider
    client: Client = field(default_factory=Client)
    request_id: str = ""
    relay_state: str = ""

    def leave(self, query: str = "") -> str:
        """Begin to sign in; the address at the provider."""
        response = self.client.get(f"/sso/{self.provider.login_name}{query}")
        assert response.status_code == 302, response.content.decode()
        self.request_id, self.relay_state = request_in(response["Location"])
        return str(response["Location"])

    def answer(self, **changed: object) -> Answer:
        """A sound answer to what this browser asked, but for what is changed."""
        sound = {"audience": saml.entity_id(self.provider), "request_id": self.request_id}
        return Answer(saml.acs_url(self.provider), **{**sound, **changed})  # type: ignore[arg-type]

    def bring(self, encoded: str, relay_state: str | None = None) -> Any:
        """Post an answer as the provider's page does, and follow back; the last response."""
        form = {"SAMLResponse": encoded, "RelayState": self.relay_state if relay_state is None else relay_state}
        posted = Client().post(f"/sso/{self.provider.login_name}/acs", form)
        if posted.status_code != 302:
            return posted
        return self.client.get(posted["Location"])


def set_up(world: World, *, accepts_unasked: bool = False, place: str = "acme") -> IdentityProvider:
    """A SAML provider of an organization, turned on."""
    where = getattr(world, place)
    with workspace_scope(where.workspace.pk):
        organization = where.workspace.organization
        trust = services.Trust(
            protocol="saml",
            entity_id=ENTITY,
            sso_url=SSO_URL,
            certificates=[key_pair(place).certificate if place != "acme" else key_pair().certificate],
            accepts_unasked=accepts_unasked,
        )
        provider = services.save_identity_provider(actor=BUILDER, organization=organization, trust=trust)
        services.note_test(actor=BUILDER, provider=provider)
        return services.switch_identity_provider(actor=BUILDER, provider=provider, enabled=True)
