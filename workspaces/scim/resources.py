"""What a user and a group look like on the wire, and what the service says of itself.

The schemas hold what Headrace keeps, and no more; everything else that a provider sends
is read and dropped, as they all send more than they are asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

from django.conf import settings
from pydantic import Field
from scim2_models import (
    URN,
    AuthenticationScheme,
    Bulk,
    CaseExact,
    ChangePassword,
    ComplexAttribute,
    ETag,
    Filter,
    Meta,
    Mutability,
    Patch,
    Reference,
    Required,
    Resource,
    ScimPolicy,
    ScimProvider,
    ServiceProviderConfig,
    Sort,
    Uniqueness,
)

from workspaces.services import PushedEmail, PushedPerson, version_of

if TYPE_CHECKING:
    from workspaces.models import DirectoryGroup, DirectoryMembership, DirectoryPerson

BASE_PATH = "/api/scim/v2"
MOST_RESULTS = 200


class Name(ComplexAttribute):
    """The parts of a person's name."""

    formatted: str | None = None
    """The full name, formatted for display."""
    family_name: str | None = None
    """The family name, or last name."""
    given_name: str | None = None
    """The given name, or first name."""


class Email(ComplexAttribute):
    """One of a person's e-mail addresses."""

    value: Annotated[str | None, Required.true] = None
    """The address."""
    type: str | None = Field(None, examples=["work", "home", "other"])
    """What the address is for."""
    primary: bool | None = None
    """Whether this is the person's main address."""


class UserGroup(ComplexAttribute):
    """One of the groups that a person is in."""

    value: Annotated[str | None, Mutability.read_only, CaseExact.true] = None
    """The id of the group."""
    ref: Annotated[Reference[Group] | None, Mutability.read_only] = Field(
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    """The address of the group."""
    display: Annotated[str | None, Mutability.read_only] = None
    """The name of the group."""


class User(Resource[Any]):
    """A person who may sign in through the organization's identity provider."""

    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:User")

    user_name: Annotated[str | None, Uniqueness.server, Required.true] = None
    """Who the person is at the provider; an e-mail address is taken where none is sent."""
    name: Name | None = None
    """The parts of the person's name."""
    display_name: str | None = None
    """What the person is called here."""
    emails: Annotated[list[Email] | None, Required.true] = None
    """The person's addresses. The primary one is used, else that of work, else the first."""
    active: Annotated[bool | None, Required.true] = None
    """Whether the person may sign in; true where nothing is sent."""
    groups: Annotated[list[UserGroup] | None, Mutability.read_only] = None
    """The groups that the person is in."""


class GroupMember(ComplexAttribute):
    """One person in a group."""

    value: Annotated[str | None, Mutability.immutable, CaseExact.true] = None
    """The id of the user."""
    ref: Annotated[Reference[User] | None, Mutability.immutable] = Field(
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    """The address of the user."""
    type: Annotated[str | None, Mutability.immutable] = Field(None, examples=["User"])
    """What kind of member this is: groups hold users only."""


class Group(Resource[Any]):
    """A group of the identity provider; an organization admin says what it means here."""

    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:Group")

    display_name: Annotated[str | None, Uniqueness.server, Required.true] = None
    """The name of the group."""
    members: list[GroupMember] | None = None
    """Who is in the group."""


# Each refers to the other; unless it is completed here, the first filter that a process is sent knows no attribute.
User.model_rebuild()
USER, GROUP = Reference[User], Reference[Group]
# What providers send beyond the standard is understood: attributes that are not kept, a value beside the path of
# a removal, and a path whose filter matches nothing yet.
POLICY = ScimPolicy(
    unknown=ScimPolicy.Unknown.ignore,
    remove_value_as_filter=ScimPolicy.RemoveValue.apply,
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
)
CONFIG = ServiceProviderConfig(
    patch=Patch(supported=True),
    bulk=Bulk(supported=False, max_operations=0, max_payload_size=0),
    filter=Filter(supported=True, max_results=MOST_RESULTS),
    change_password=ChangePassword(supported=False),
    sort=Sort(supported=True),
    etag=ETag(supported=True),
    authentication_schemes=[
        AuthenticationScheme(
            type=AuthenticationScheme.Type.oauthbearertoken,
            name="SCIM token",
            description="Authorization: Bearer, with the token from the single sign-on page.",
            primary=True,
        )
    ],
)
SERVICE = ScimProvider(models=[User, Group], config=CONFIG, policy=POLICY)


def location(endpoint: str, name: object = "") -> str:
    """The address of a resource."""
    return f"{settings.BASE_URL}{BASE_PATH}/{endpoint}" + (f"/{name}" if name != "" else "")


def service_resources(kind: str) -> list[Resource[Any]]:
    """What one of the three endpoints that describe the service has to say."""
    if kind == "Schemas":
        found: list[Resource[Any]] = [schema.model_copy() for schema in SERVICE.schemas]
    elif kind == "ResourceTypes":
        found = [kept.model_copy() for kept in SERVICE.resource_types]
    else:
        found = [CONFIG.model_copy()]
    for resource in found:
        name = resource.id or "" if kind != "ServiceProviderConfig" else ""
        resource.meta = Meta(resource_type=type(resource).__name__, location=location(kind, name))
    return found


def user(person: DirectoryPerson, memberships: Iterable[DirectoryMembership] = ()) -> User:
    """A person on the wire."""
    names = {"formatted": person.formatted_name, "family_name": person.family_name, "given_name": person.given_name}
    given = {key: value for key, value in names.items() if value}
    return User(
        id=str(person.pk),
        external_id=person.external_id or None,
        user_name=person.user_name,
        name=Name(**given) if given else None,
        display_name=person.display_name or None,
        emails=[Email(value=e.address, type=e.kind or None, primary=e.is_primary) for e in person.emails.all()],
        active=person.active,
        groups=[
            UserGroup(value=str(m.group_id), ref=GROUP(location("Groups", m.group_id)), display=m.group.name)
            for m in memberships
        ]
        or None,
        meta=_meta("User", person, location("Users", person.pk)),
    )


def group(row: DirectoryGroup, members: Iterable[int] = ()) -> Group:
    """A group on the wire; ``members`` are ids of people."""
    return Group(
        id=str(row.pk),
        external_id=row.external_id or None,
        display_name=row.name,
        members=[GroupMember(value=str(pk), ref=Reference[User](location("Users", pk)), type="User") for pk in members]
        or None,
        meta=_meta("Group", row, location("Groups", row.pk)),
    )


def pushed_user(resource: User) -> PushedPerson:
    """What a provider says of a person."""
    name = resource.name or Name()
    emails = [PushedEmail((e.value or "").strip(), e.type or "", e.primary) for e in resource.emails or ()]
    return PushedPerson(
        user_name=(resource.user_name or "").strip(),
        emails=tuple(emails),
        external_id=resource.external_id or "",
        display_name=resource.display_name or "",
        formatted_name=name.formatted or "",
        given_name=name.given_name or "",
        family_name=name.family_name or "",
        active=resource.active is not False,
    )


def _meta(kind: str, row: DirectoryPerson | DirectoryGroup, address: str) -> Meta:
    return Meta(
        resource_type=kind,
        created=row.created_at,
        last_modified=row.updated_at,
        location=address,
        version=etag(row),
    )


def etag(row: DirectoryPerson | DirectoryGroup) -> str:
    """The version of a row on the wire; weak, as what others say of it is not part of it."""
    return f'W/"{version_of(row)}"'
