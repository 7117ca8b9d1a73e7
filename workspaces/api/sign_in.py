"""REST endpoints of how people sign in: the identity provider, its domains and groups, and the rules for everybody.

Reading takes an organization admin's key with the scope ``manage``, changing anything one with ``sign_in``: pages ask
for the password again where keys have none. Secrets go in and never come out.
"""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from config.api import ApiView, ListQuery, error_answers, list_of, list_response, parse_query
from workspaces import services
from workspaces.access import group_for, member_for
from workspaces.api.shapes import NamedQuery
from workspaces.api.sign_in_shapes import (
    DirectoryGroupOut,
    EmailDomainBody,
    EmailDomainOut,
    GroupMappingBody,
    GroupMappingOut,
    IdentityProviderBody,
    IdentityProviderOut,
    IdentityProviderSwitch,
    ScimTokenOut,
    SignInRulesBody,
    SsoAttemptOut,
    attempt_json,
    directory_group_json,
    domain_json,
    mapping_json,
    provider_json,
    rules_in,
    rules_json,
    trust_in,
)
from workspaces.entry import client_address
from workspaces.models import Organization, ScimToken
from workspaces.permissions import Permission
from workspaces.sso import domains, selectors
from workspaces.sso.access import (
    directory_group_for,
    email_domain_for,
    group_mapping_for,
    own_provider,
    own_scim_token,
)

READ, CHANGE = Permission.MANAGE_ORGANIZATION, Permission.MANAGE_SIGN_IN


class SignInView(ApiView):
    """What these endpoints share."""

    @property
    def organization(self) -> Organization:
        """The organization of the key's workspace."""
        found: Organization = self.request._request.workspace.organization  # type: ignore[attr-defined]
        return found

    def provider(self) -> Response:
        """The identity provider as it is now."""
        slug = self.request._request.workspace.slug  # type: ignore[attr-defined]
        return Response(provider_json(own_provider(), slug))


class IdentityProviderView(SignInView):
    """The organization's identity provider."""

    permission = {"GET": READ, "PUT": CHANGE, "PATCH": CHANGE, "DELETE": CHANGE}

    @extend_schema(operation_id="GetIdentityProvider", responses={200: IdentityProviderOut, **error_answers()})
    def get(self, request: Request) -> Response:
        """Get the identity provider that the organization trusts."""
        return self.provider()

    @extend_schema(
        operation_id="SetIdentityProvider",
        request=IdentityProviderBody,
        responses={200: IdentityProviderOut, **error_answers()},
    )
    def put(self, request: Request) -> Response:
        """Set up or change the connection; a change asks for a new test sign-in."""
        values = self.body(IdentityProviderBody)
        trust = trust_in(values, selectors.identity_provider())
        services.save_identity_provider(actor=self.actor, organization=self.organization, trust=trust)
        return self.provider()

    @extend_schema(
        operation_id="SwitchIdentityProvider",
        request=IdentityProviderSwitch,
        responses={200: IdentityProviderOut, **error_answers()},
    )
    def patch(self, request: Request) -> Response:
        """Turn single sign-on on or off, or say whether people may be invited besides."""
        values, provider = self.body(IdentityProviderSwitch), own_provider()
        if "enabled" in values:
            services.switch_identity_provider(actor=self.actor, provider=provider, enabled=values["enabled"])
        if "invitationsAllowed" in values:
            allowed = values["invitationsAllowed"]
            services.allow_inviting(actor=self.actor, organization=self.organization, allowed=allowed)
        return self.provider()

    @extend_schema(operation_id="DeleteIdentityProvider", responses={204: None, **error_answers()})
    def delete(self, request: Request) -> Response:
        """Forget the provider; its people's accounts stay and open nothing. Pushing by SCIM ends, too."""
        services.remove_identity_provider(actor=self.actor, provider=own_provider())
        return Response(status=204)


class SsoAttemptListView(SignInView):
    """The latest answers of the identity provider."""

    permission = {"GET": READ}

    @extend_schema(
        operation_id="ListSsoAttempts",
        parameters=[ListQuery],
        responses={200: list_of(SsoAttemptOut), **error_answers()},
    )
    def get(self, request: Request) -> Response:
        """List what came of the latest sign-ins through the provider, newest first, with what to do about failures."""
        query = parse_query(request, ListQuery)
        return list_response(list(selectors.sso_attempts()), query, lambda rows: [attempt_json(row) for row in rows])


class SignInRulesView(SignInView):
    """What is asked of everybody who enters."""

    permission = {"GET": READ, "PUT": CHANGE}

    @extend_schema(operation_id="GetSignInRules", responses={200: SignInRulesBody, **error_answers()})
    def get(self, request: Request) -> Response:
        """Get what is asked of everybody who enters a workspace of the organization."""
        return Response(rules_json(selectors.sign_in_rules(self.organization)))

    @extend_schema(
        operation_id="SetSignInRules", request=SignInRulesBody, responses={200: SignInRulesBody, **error_answers()}
    )
    def put(self, request: Request) -> Response:
        """Ask exactly this from the next request of everybody on; what is left out is not asked."""
        current = selectors.sign_in_rules(self.organization)
        rules = services.set_sign_in_rules(
            actor=self.actor,
            organization=self.organization,
            rules=rules_in(self.body(SignInRulesBody), current),
            address=client_address(request._request),
        )
        return Response(rules_json(rules))


class EmailDomainListView(SignInView):
    """Domains of the organization's people."""

    permission = {"GET": READ, "POST": CHANGE}

    @extend_schema(
        operation_id="ListEmailDomains",
        parameters=[ListQuery],
        responses={200: list_of(EmailDomainOut), **error_answers()},
    )
    def get(self, request: Request) -> Response:
        """List the claimed domains, each with the TXT record that proves it."""
        rows = [domain for domain, _ in selectors.email_domains()]
        return list_response(rows, parse_query(request, ListQuery), lambda page: [domain_json(row) for row in page])

    @extend_schema(
        operation_id="AddEmailDomain", request=EmailDomainBody, responses={200: EmailDomainOut, **error_answers()}
    )
    def post(self, request: Request) -> Response:
        """Claim a domain; it does nothing until its TXT record was seen."""
        named = self.body(EmailDomainBody)["domain"]
        return Response(
            domain_json(services.add_email_domain(actor=self.actor, organization=self.organization, domain=named))
        )


class EmailDomainView(SignInView):
    """One claimed domain."""

    permission = {"DELETE": CHANGE}

    @extend_schema(operation_id="RemoveEmailDomain", responses={204: None, **error_answers()})
    def delete(self, request: Request, domain_id: int) -> Response:
        """Give a domain up; its people choose themselves how they sign in."""
        services.remove_email_domain(actor=self.actor, domain=email_domain_for(domain_id))
        return Response(status=204)


class VerifyEmailDomainView(SignInView):
    """The proof of a domain."""

    permission = {"POST": CHANGE}

    @extend_schema(operation_id="VerifyEmailDomain", request=None, responses={200: EmailDomainOut, **error_answers()})
    def post(self, request: Request, domain_id: int) -> Response:
        """Look for the TXT record, and take the domain over once it is there."""
        domain = email_domain_for(domain_id)
        return Response(domain_json(services.verify_email_domain(actor=self.actor, domain=domain, texts=domains.texts)))


class DirectoryGroupListView(SignInView):
    """Groups of the identity provider."""

    permission = {"GET": READ}

    @extend_schema(
        operation_id="ListDirectoryGroups",
        parameters=[NamedQuery],
        responses={200: list_of(DirectoryGroupOut), **error_answers()},
    )
    def get(self, request: Request) -> Response:
        """List the provider's groups that are known here."""
        query, rows = parse_query(request, NamedQuery), selectors.directory_groups()
        rows = rows.filter(name=query["name"]) if query.get("name") else rows
        return list_response(rows, query, lambda page: [directory_group_json(row) for row in page])


class GroupMappingListView(SignInView):
    """What groups of the identity provider mean here."""

    permission = {"GET": READ, "POST": CHANGE}

    @extend_schema(
        operation_id="ListGroupMappings",
        parameters=[ListQuery],
        responses={200: list_of(GroupMappingOut), **error_answers()},
    )
    def get(self, request: Request) -> Response:
        """List the mappings of the provider's groups."""
        rows = list(selectors.group_mappings())
        return list_response(rows, parse_query(request, ListQuery), lambda page: [mapping_json(row) for row in page])

    @extend_schema(
        operation_id="CreateGroupMapping", request=GroupMappingBody, responses={200: GroupMappingOut, **error_answers()}
    )
    def post(self, request: Request) -> Response:
        """Let the members of a provider's group join a group of ours, or become organization admins, from now on."""
        values = self.body(GroupMappingBody)
        mapping = services.map_group(
            actor=self.actor,
            organization=self.organization,
            directory_group=directory_group_for(values["directoryGroupId"]),
            group=None if values["groupId"] is None else group_for(values["groupId"]),
        )
        return Response(mapping_json(mapping))


class GroupMappingView(SignInView):
    """One mapping."""

    permission = {"DELETE": CHANGE}

    @extend_schema(operation_id="DeleteGroupMapping", responses={204: None, **error_answers()})
    def delete(self, request: Request, mapping_id: int) -> Response:
        """End a mapping; who was in the group by it alone leaves at once."""
        services.unmap_group(actor=self.actor, mapping=group_mapping_for(mapping_id))
        return Response(status=204)


class ScimTokenView(SignInView):
    """What the identity provider proves itself with when it pushes people and groups."""

    permission = {"GET": READ, "POST": CHANGE, "DELETE": CHANGE}

    @extend_schema(operation_id="GetScimToken", responses={200: ScimTokenOut, **error_answers()})
    def get(self, request: Request) -> Response:
        """Say which token there is and when it was last used; never the token itself."""
        return Response(_token_json(own_scim_token()))

    @extend_schema(operation_id="MakeScimToken", request=None, responses={200: ScimTokenOut, **error_answers()})
    def post(self, request: Request) -> Response:
        """Make a token, or replace it: the one before stops at once. This answer is the only place that shows it."""
        secret = services.make_scim_token(actor=self.actor, organization=self.organization)
        return Response({"token": secret, **_token_json(own_scim_token())})

    @extend_schema(operation_id="RemoveScimToken", responses={204: None, **error_answers()})
    def delete(self, request: Request) -> Response:
        """End pushing; people and groups stay as they were pushed last."""
        services.remove_scim_token(actor=self.actor, token=own_scim_token())
        return Response(status=204)


class EndSessionsView(SignInView):
    """Signing a person out."""

    permission = {"POST": READ}

    @extend_schema(operation_id="EndMemberSessions", request=None, responses={204: None, **error_answers()})
    def post(self, request: Request, member_id: int) -> Response:
        """Sign a person out of every browser at once; their API keys go on."""
        member = member_for(member_id)
        services.end_sessions(actor=self.actor, user=member.user, member=member)
        return Response(status=204)


def _token_json(token: ScimToken) -> dict[str, Any]:
    return {"prefix": token.prefix, "madeAt": token.made_at, "lastUsedAt": token.last_used_at}
