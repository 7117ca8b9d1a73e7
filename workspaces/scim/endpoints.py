"""What the SCIM endpoints do: each reads or calls a service in the organization of the request's token."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.validators import validate_email
from django.http import HttpRequest, HttpResponse
from scim2_models import (
    Context,
    ForbiddenException,
    InvalidValueException,
    ListResponse,
    NotFoundException,
    NotImplementedException,
    PatchOp,
    Resource,
    ResponseParameters,
    SearchRequest,
    TooManyException,
)

from workspaces import services
from workspaces.models import DirectoryGroup, DirectoryPerson
from workspaces.scim import filters, selectors
from workspaces.scim.http import Call, Handler, answer, reply
from workspaces.scim.members import applied, member_steps
from workspaces.scim.resources import (
    MOST_RESULTS,
    Group,
    User,
    etag,
    group,
    pushed_user,
    service_resources,
)
from workspaces.services import PushedGroup, PushedPerson
from workspaces.sso.access import directory_group_for, directory_person_for

USUAL_RESULTS = 100
MOST_OPERATIONS = 1_000
PARAMETERS = ("filter", "sortBy", "sortOrder", "startIndex", "count", "attributes", "excludedAttributes")


def respond(request: HttpRequest, kind: str, **ids: str) -> HttpResponse:
    """Answer a request to one of the addresses in ``urls.py``."""
    return answer(request, ENDPOINTS[kind], **ids)


# --- users ---------------------------------------------------------------------


def _list_users(call: Call) -> HttpResponse:
    wanted = _search(call, User)
    with_groups = _wants(wanted, "groups")
    rows = _found(selectors.people(), filters.USERS, wanted)
    return _page(User, wanted, rows, lambda page: selectors.users_of(page, with_groups=with_groups))


def _create_user(call: Call) -> HttpResponse:
    resource = User.model_validate(_completed(call.payload()), scim_ctx=Context.RESOURCE_CREATION_REQUEST)
    person = services.provision_person(actor=call.actor, organization=call.organization, pushed=pushed_user(resource))
    return _answer_user(call, person.pk, Context.RESOURCE_CREATION_RESPONSE, status=201)


def _show_user(call: Call, name: str) -> HttpResponse:
    return _answer_user(call, _id(name, "user"), Context.RESOURCE_QUERY_RESPONSE)


def _replace_user(call: Call, name: str) -> HttpResponse:
    payload = call.payload()

    def change(person: DirectoryPerson) -> PushedPerson:
        completed = _completed(payload, active=person.active)
        return pushed_user(User.model_validate(completed, scim_ctx=Context.RESOURCE_REPLACEMENT_REQUEST))

    return _update_user(call, name, change, Context.RESOURCE_REPLACEMENT_RESPONSE)


def _patch_user(call: Call, name: str) -> HttpResponse:
    patch = _patch(call, User)

    def change(person: DirectoryPerson) -> PushedPerson:
        resource = selectors.users_of(selectors.people().filter(pk=person.pk))[0]
        patch.patch(resource)
        return pushed_user(resource)

    return _update_user(call, name, change, Context.RESOURCE_PATCH_RESPONSE)


def _delete_user(call: Call, name: str) -> HttpResponse:
    services.remove_directory_person(
        actor=call.actor, organization=call.organization, person_id=_id(name, "user"), versions=call.expected
    )
    return HttpResponse(status=204)


def _update_user(
    call: Call, name: str, change: Callable[[DirectoryPerson], PushedPerson], context: Context
) -> HttpResponse:
    person = services.update_person(
        actor=call.actor,
        organization=call.organization,
        person_id=_id(name, "user"),
        change=change,
        versions=call.expected,
    )
    return _answer_user(call, person.pk, context)


def _answer_user(call: Call, pk: int, context: Context, status: int = 200) -> HttpResponse:
    wanted = _parameters(call, User)
    person = directory_person_for(pk)
    found = selectors.users_of(selectors.people().filter(pk=pk), with_groups=_wants(wanted, "groups"))
    return _one(call, found[0], etag(person), wanted, context, status)


# --- groups --------------------------------------------------------------------


def _list_groups(call: Call) -> HttpResponse:
    wanted = _search(call, Group)
    with_members = _wants(wanted, "members")
    rows = _found(selectors.groups(), filters.GROUPS, wanted)
    return _page(Group, wanted, rows, lambda page: selectors.groups_of(page, with_members=with_members))


def _create_group(call: Call) -> HttpResponse:
    resource = Group.model_validate(call.payload(), scim_ctx=Context.RESOURCE_CREATION_REQUEST)
    row = services.provision_group(actor=call.actor, organization=call.organization, pushed=_pushed(resource))
    return _answer_group(call, row, Context.RESOURCE_CREATION_RESPONSE, status=201)


def _show_group(call: Call, name: str) -> HttpResponse:
    return _answer_group(call, directory_group_for(_id(name, "group")), Context.RESOURCE_QUERY_RESPONSE)


def _replace_group(call: Call, name: str) -> HttpResponse:
    resource = Group.model_validate(call.payload(), scim_ctx=Context.RESOURCE_REPLACEMENT_REQUEST)
    return _update_group(call, name, lambda row: _pushed(resource), Context.RESOURCE_REPLACEMENT_RESPONSE)


def _patch_group(call: Call, name: str) -> HttpResponse:
    patch = _patch(call, Group)
    steps = member_steps(patch)

    def change(row: DirectoryGroup) -> PushedGroup:
        if steps is not None:
            current = services.pushed_group(row)
            ids = applied(steps, frozenset(str(pk) for pk in current.members))
            return replace(current, members=_ids(ids))
        members = row.memberships.order_by("person_id").values_list("person_id", flat=True)
        resource = group(row, members)
        patch.patch(resource)
        return _pushed(resource)

    return _update_group(call, name, change, Context.RESOURCE_PATCH_RESPONSE)


def _delete_group(call: Call, name: str) -> HttpResponse:
    services.remove_directory_group(
        actor=call.actor, organization=call.organization, group_id=_id(name, "group"), versions=call.expected
    )
    return HttpResponse(status=204)


def _update_group(
    call: Call, name: str, change: Callable[[DirectoryGroup], PushedGroup], context: Context
) -> HttpResponse:
    row = services.update_directory_group(
        actor=call.actor,
        organization=call.organization,
        group_id=_id(name, "group"),
        change=change,
        versions=call.expected,
    )
    return _answer_group(call, row, context)


def _answer_group(call: Call, row: DirectoryGroup, context: Context, status: int = 200) -> HttpResponse:
    wanted = _parameters(call, Group)
    rows = selectors.groups().filter(pk=row.pk)
    found = selectors.groups_of(rows, with_members=_wants(wanted, "members"))
    return _one(call, found[0], etag(row), wanted, context, status)


# --- the service itself ---------------------------------------------------------


def _describe(call: Call, kind: str, name: str = "") -> HttpResponse:
    if "filter" in call.request.GET:
        raise ForbiddenException(detail="What describes the service cannot be filtered.")
    found = service_resources(kind)
    shown = [r.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE) for r in found if not name or r.id == name]
    if name and not shown:
        raise NotFoundException
    if name or kind == "ServiceProviderConfig":
        return reply(shown[0])
    schemas = [str(ListResponse.__schema__)]
    counts = {"totalResults": len(shown), "startIndex": 1, "itemsPerPage": len(shown)}
    return reply({"schemas": schemas, **counts, "Resources": shown})


def _about(kind: str) -> Handler:
    return lambda call, name="": _describe(call, kind, name)


def _not_offered(call: Call) -> HttpResponse:
    raise NotImplementedException


def _not_there(call: Call, rest: str) -> HttpResponse:
    raise NotFoundException


# --- what they share ------------------------------------------------------------


def _search(call: Call, model: type[Resource[Any]]) -> SearchRequest[Any]:
    """What a list is asked for: by the address, or by the body of a search."""
    if call.request.method == "POST":
        payload = call.payload()
        return SearchRequest[model].model_validate(payload, scim_ctx=Context.SEARCH_REQUEST)  # type: ignore[valid-type]
    asked = {name: call.request.GET[name] for name in PARAMETERS if name in call.request.GET}
    if len(asked.get("filter", "")) > filters.LONGEST:
        raise InvalidValueException(detail=f"A filter may be {filters.LONGEST} characters long.")
    return SearchRequest[model].model_validate(asked)  # type: ignore[valid-type]


def _parameters(call: Call, model: type[Resource[Any]]) -> ResponseParameters[Any]:
    asked = {name: call.request.GET[name] for name in PARAMETERS[-2:] if name in call.request.GET}
    return ResponseParameters[model].model_validate(asked)  # type: ignore[valid-type]


def _wants(wanted: ResponseParameters[Any], name: str) -> bool:
    """Whether an attribute that costs a statement is asked for."""

    def named(paths: Any) -> set[str]:
        return {str(path).rpartition(":")[2].partition(".")[0].lower() for path in paths or ()}

    if wanted.attributes:
        return name in named(wanted.attributes)
    return name not in {str(path).rpartition(":")[2].lower() for path in wanted.excluded_attributes or ()}


def _found(rows: Any, attributes: filters.Attributes, wanted: SearchRequest[Any]) -> Any:
    if wanted.filter is not None:
        rows = rows.filter(filters.condition(attributes, wanted.filter))
    if wanted.sort_by is None:
        return rows.order_by("pk")
    descending = wanted.sort_order == SearchRequest.SortOrder.descending
    return filters.ordered(rows, attributes, str(wanted.sort_by), descending)


def _page(
    model: type[Resource[Any]], wanted: SearchRequest[Any], rows: Any, render: Callable[[Any], Any]
) -> HttpResponse:
    start = min(wanted.start_index_0 or 0, 10**12)
    count = min(USUAL_RESULTS if wanted.count is None else wanted.count, MOST_RESULTS)
    shown = render(rows[start : start + count]) if count else []
    page = ListResponse[model](  # type: ignore[valid-type]
        total_results=rows.count(), start_index=start + 1, items_per_page=len(shown), resources=shown
    )
    document = page.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE, response_parameters=wanted)
    return reply({"Resources": [], **document})


def _one(
    call: Call, resource: Resource[Any], tag: str, wanted: ResponseParameters[Any], context: Context, status: int
) -> HttpResponse:
    if call.request.method == "GET" and tag in call.request.headers.get("If-None-Match", ""):
        response = HttpResponse(status=304)
    else:
        response = reply(resource.model_dump(scim_ctx=context, response_parameters=wanted), status)
        assert resource.meta is not None
        response["Location"] = str(resource.meta.location)
    response["ETag"] = tag
    return response


def _patch(call: Call, model: type[Resource[Any]]) -> PatchOp[Any]:
    payload = call.payload()
    operations = next((value for key, value in payload.items() if key.lower() == "operations"), None)
    if isinstance(operations, list) and len(operations) > MOST_OPERATIONS:
        raise TooManyException(detail=f"At most {MOST_OPERATIONS} operations in one request.")
    context = Context.RESOURCE_PATCH_REQUEST
    return PatchOp[model].model_validate(payload, scim_ctx=context)  # type: ignore[valid-type]


def _pushed(resource: Group) -> PushedGroup:
    ids = _ids(member.value or "" for member in resource.members or ())
    return PushedGroup((resource.display_name or "").strip(), resource.external_id or "", ids)


def _ids(values: Iterable[str]) -> frozenset[int]:
    """The ids of people."""
    ids = set()
    for value in values:
        if not (value.isascii() and value.isdigit() and len(value) < 19):
            raise InvalidValueException(detail=f"There is no user with the id {value[:60]}.")
        ids.add(int(value))
    return frozenset(ids)


def _completed(payload: dict[str, Any], *, active: bool = True) -> dict[str, Any]:
    """A user with what may be left out: some providers send no userName, others no addresses, or no active."""
    given = {key.lower(): value for key, value in payload.items()}
    filled = dict(payload)
    if given.get("active") is None:
        filled = {key: value for key, value in filled.items() if key.lower() != "active"} | {"active": active}
    emails, name = given.get("emails"), given.get("username")
    if not emails and isinstance(name, str) and _is_address(name):
        filled = {key: value for key, value in filled.items() if key.lower() != "emails"}
        filled["emails"] = [{"value": name, "type": "work", "primary": True}]
    elif not name and isinstance(emails, list) and emails and isinstance(emails[0], dict):
        filled = {key: value for key, value in filled.items() if key.lower() != "username"}
        filled["userName"] = emails[0].get("value")
    return filled


def _is_address(text: str) -> bool:
    try:
        validate_email(text)
    except DjangoValidationError:
        return False
    return True


def _id(name: str, noun: str) -> int:
    """The id in an address."""
    if not (name.isascii() and name.isdigit() and len(name) < 19):
        raise NotFoundException(detail=f"There is no such {noun} here.")
    return int(name)


METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
# What answers to which method, by the kinds of address in ``urls.py``.
ENDPOINTS: Mapping[str, Mapping[str, Handler]] = {
    "users": {"GET": _list_users, "POST": _create_user},
    "user": {"GET": _show_user, "PUT": _replace_user, "PATCH": _patch_user, "DELETE": _delete_user},
    "users/search": {"POST": _list_users},
    "groups": {"GET": _list_groups, "POST": _create_group},
    "group": {"GET": _show_group, "PUT": _replace_group, "PATCH": _patch_group, "DELETE": _delete_group},
    "groups/search": {"POST": _list_groups},
    **{kind: {"GET": _about(kind)} for kind in ("ServiceProviderConfig", "ResourceTypes", "Schemas")},
    "unsupported": dict.fromkeys(METHODS, _not_offered),
    "nothing": dict.fromkeys(METHODS, _not_there),
}
