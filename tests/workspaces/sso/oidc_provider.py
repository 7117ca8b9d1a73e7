"""A real OpenID Connect provider program (oidc-provider-mock) on loopback, and an organization that trusts it.

What a person's claims say stands over what the program would put into its token, so that
it signs a wrong audience, issuer, time or nonce as readily as a right one.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit, urlunsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from django.test import Client

from tests.world import BUILDER, World
from workspaces import services
from workspaces.models import IdentityProvider
from workspaces.scoping import workspace_scope

CLIENT_ID = "headrace"
CLIENT_SECRET = "the secret of the tests"
GRACE = {"email": "grace@acme.test", "name": "Grace"}


@contextmanager
def running_provider() -> Iterator[str]:
    """The provider's issuer."""
    from oidc_provider_mock import run_server_in_thread

    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    with run_server_in_thread(require_nonce=True) as server:
        yield f"http://localhost:{server.server_port}"


class _Stay(HTTPRedirectHandler):
    """Redirects are the browser's business."""

    def http_error_302(self, request: Any, answer: Any, code: Any, message: Any, headers: Any) -> Any:
        return answer


def knows(issuer: str, subject: str, **claims: object) -> None:
    """Let the provider say this of a person."""
    body = json.dumps(claims).encode()
    address = f"{issuer}/users/{quote(subject)}"
    request = Request(address, body, {"Content-Type": "application/json"}, method="PUT")  # noqa: S310 - loopback
    build_opener().open(request).close()


def agree(address: str, subject: str, **changed: str) -> str:
    """Sign in at the provider's page as this person; where it sends the browser. ``changed`` is asked for instead."""
    parts = urlsplit(address)
    query = {**{name: values[0] for name, values in parse_qs(parts.query).items()}, **changed}
    address = urlunsplit(parts._replace(query=urlencode(query)))
    request = Request(address, urlencode({"sub": subject}).encode())  # noqa: S310 - loopback
    with build_opener(_Stay).open(request) as answer:
        return str(answer.headers["Location"])


@dataclass
class Person:
    """Somebody's browser, on its way to the provider and back."""

    provider: IdentityProvider
    subject: str = "00u1"
    client: Client = field(default_factory=Client)

    def leave(self, query: str = "") -> str:
        """Begin to sign in; the address at the provider."""
        response = self.client.get(f"/sso/{self.provider.login_name}{query}")
        assert response.status_code == 302, response.content.decode()
        return str(response["Location"])

    def bring(self, answer: str) -> Any:
        """Come back from the provider with its answer."""
        parts = urlsplit(answer)
        return self.client.get(f"{parts.path}?{parts.query}")

    def sign_in(self, query: str = "", **claims: object) -> Any:
        """There and back; the provider says this of the person."""
        knows(self.provider.issuer, self.subject, **{**GRACE, **claims})
        return self.bring(agree(self.leave(query), self.subject))


def trust_of(issuer: str, **changed: Any) -> services.Trust:
    """What an admin enters."""
    given = {"protocol": "oidc", "issuer": issuer, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    return services.Trust(**{**given, **changed})


def set_up(world: World, issuer: str, **changed: Any) -> IdentityProvider:
    """Acme trusts the provider, and single sign-on is on."""
    with workspace_scope(world.acme.workspace.pk):
        organization = world.acme.workspace.organization
        provider = services.save_identity_provider(
            actor=BUILDER, organization=organization, trust=trust_of(issuer, **changed)
        )
        services.note_test(actor=BUILDER, provider=provider)
        return services.switch_identity_provider(actor=BUILDER, provider=provider, enabled=True)


def prove(world: World, domain: str) -> None:
    """Acme's claim to a domain, proven by the operator's word."""
    with workspace_scope(world.acme.workspace.pk):
        claimed = services.add_email_domain(
            actor=BUILDER, organization=world.acme.workspace.organization, domain=domain
        )
        services.verify_email_domain(actor=BUILDER, domain=claimed, texts=lambda name: [])
