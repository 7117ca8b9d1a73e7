"""Credentials at cloud providers: what they are made of, who uses them, and how they are opened."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings
from django.core import signing
from django.db.models import QuerySet

from config.errors import NotFound
from connectors.choices import Cloud, CloudAccess
from connectors.models import CloudCredential, Destination, Source
from connectors.sdk.errors import ConfigError
from connectors.sdk.fields import CredentialPicker, Field, FileUpload, Select, Text, When
from connectors.sdk.types import Choice
from connectors.secrets import decrypt
from governance.audit.actors import Actor
from workspaces.access import require
from workspaces.permissions import Permission
from workspaces.scoping import current_workspace_id

MANAGE = Permission.MANAGE_WORKSPACE
GOOGLE_PROOF_ADDRESS = "https://oauth2.googleapis.com/token"
_SHOWN = 20
_SALT = "connectors.clouds.external_id"
_DAY = 24 * 3600
_UUID = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"

_ROLE = (
    Text(
        name="role_arn",
        label="Role ARN",
        help="The role that you made in your AWS account for Headrace.",
        placeholder="arn:aws:iam::123456789012:role/headrace",
        pattern=r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+",
        pattern_hint="Paste the role's ARN, arn:aws:iam::…:role/….",
    ),
)
_KEYS = (
    Text(
        name="access_key_id",
        label="Access key ID",
        pattern=r"[A-Z0-9]{16,128}",
        pattern_hint="Paste the ID of the key, 20 capital letters and digits in most cases.",
    ),
    Text(name="secret_access_key", label="Secret access key", secret=True, max_length=200),
)
_GOOGLE = (
    FileUpload(
        name="key",
        label="Service account key",
        help="The JSON file that Google Cloud gave you when you made the key. P12 keys are not taken.",
        accept=".json,application/json",
        max_bytes=20_000,
        secret=True,
    ),
)
_AZURE = (
    Text(
        name="tenant_id",
        label="Tenant ID",
        help="The directory (tenant) ID on the overview page of your app registration.",
        pattern=_UUID,
        pattern_hint="Paste the ID, 36 characters like 72f988bf-86f1-41af-91ab-2d7cd011db47.",
    ),
    Text(
        name="client_id",
        label="Client ID",
        help="The application (client) ID on the same page.",
        pattern=_UUID,
        pattern_hint="Paste the ID, 36 characters like 72f988bf-86f1-41af-91ab-2d7cd011db47.",
    ),
    Text(
        name="client_secret",
        label="Client secret",
        help="The secret's value, not its ID. Azure shows it once, when the secret is made.",
        secret=True,
        max_length=500,
    ),
)
_DBT_CLOUD = (
    Text(
        name="url",
        label="Access URL",
        default="https://cloud.getdbt.com",
        help="The address at which people sign in to your account, such as https://emea.getdbt.com or one of your own.",
        pattern=r"https?://[^/\s?#@]+/?",
        pattern_hint="Enter the address up to its host, such as https://cloud.getdbt.com.",
    ),
    Text(
        name="token",
        label="API token",
        help="A service token that may read jobs and runs, or a personal access token.",
        secret=True,
        max_length=500,
    ),
)
_FIVETRAN = (
    Text(name="api_key", label="API key", help="Of a user or a system key that may read all connections."),
    Text(name="api_secret", label="API secret", secret=True, max_length=500),
)
_OF_ACCESS: Mapping[str, tuple[Field, ...]] = {
    CloudAccess.ROLE: _ROLE,
    CloudAccess.KEYS: _KEYS,
    CloudAccess.SERVICE_ACCOUNT: _GOOGLE,
    CloudAccess.SERVICE_PRINCIPAL: _AZURE,
    CloudAccess.TOKEN: _DBT_CLOUD,
    CloudAccess.API_KEY: _FIVETRAN,
}
# Providers that know a credential of one kind only.
ONLY_ACCESS: Mapping[str, CloudAccess] = {
    Cloud.GCP: CloudAccess.SERVICE_ACCOUNT,
    Cloud.AZURE: CloudAccess.SERVICE_PRINCIPAL,
    Cloud.DBT_CLOUD: CloudAccess.TOKEN,
    Cloud.FIVETRAN: CloudAccess.API_KEY,
}


@dataclass(frozen=True, slots=True)
class Use:
    """Something that works with a credential; ``route`` with ``args`` behind the workspace's slug is its page."""

    noun: str
    name: str
    route: str
    args: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Opened:
    """A credential with its secrets: for connecting, never for showing."""

    provider: Cloud
    access: CloudAccess
    values: Mapping[str, Any]


_users: list[Callable[[], Iterable[tuple[int, Use]]]] = []


def register_user(listing: Callable[[], Iterable[tuple[int, Use]]]) -> None:
    """Tell what else in this workspace uses credentials: pairs of a credential's id and its use."""
    _users.append(listing)


def new_fields(provider: Cloud) -> tuple[Field, ...]:
    """What a new credential is asked for."""
    if provider in ONLY_ACCESS:
        return _OF_ACCESS[ONLY_ACCESS[provider]]
    choices = (
        Choice(
            value=CloudAccess.ROLE.value,
            label=CloudAccess.ROLE.label,
            description="A role in your account that trusts Headrace. No secret leaves your account.",
        ),
        Choice(
            value=CloudAccess.KEYS.value,
            label=CloudAccess.KEYS.label,
            description="The key of an IAM user, stored encrypted.",
        ),
    )
    offered = choices if roles_offered() else choices[1:]
    kind = Select(name="access", label="Access", choices=offered, style="cards", default=offered[0].value)
    under = [(CloudAccess.KEYS, _KEYS)] + ([(CloudAccess.ROLE, _ROLE)] if roles_offered() else [])
    return (kind, *(replace(f, when=When(field="access", values=(a.value,))) for a, fields in under for f in fields))


def fields_of(credential: CloudCredential) -> tuple[Field, ...]:
    """What can be changed about a credential."""
    return _OF_ACCESS[credential.access]


def roles_offered() -> bool:
    """Whether the operator named the AWS account that roles have to trust."""
    return bool(settings.AWS_ACCOUNT_ID)


def credential_for(actor: Actor, credential_id: int, *, lock: bool = False) -> CloudCredential:
    """A credential of this workspace, for those who manage the workspace."""
    require(actor, MANAGE)
    rows = CloudCredential.objects.select_for_update() if lock else CloudCredential.objects.select_related("created_by")
    found = rows.filter(pk=credential_id).first()
    if found is None:
        raise NotFound("There is no such cloud credential in this workspace.")
    return found


def credentials(actor: Actor, query: str = "") -> QuerySet[CloudCredential]:
    """The credentials of this workspace."""
    require(actor, MANAGE)
    rows = CloudCredential.objects.all()
    return rows.filter(name__icontains=query) if query else rows


def choices(provider: str) -> list[tuple[str, str]]:
    """The credentials of one provider as a form offers them: value and label."""
    rows = CloudCredential.objects.filter(provider=provider).order_by("name")
    return [(str(pk), name) for pk, name in rows.values_list("pk", "name")]


def choices_by_provider(providers: Iterable[str]) -> dict[str, list[tuple[str, str]]]:
    """Like :func:`choices`, of several providers at once."""
    found: dict[str, list[tuple[str, str]]] = {}
    rows = CloudCredential.objects.filter(provider__in=list(providers)).order_by("name")
    for provider, pk, name in rows.values_list("provider", "pk", "name"):
        found.setdefault(provider, []).append((str(pk), name))
    return found


def uses() -> dict[int, list[Use]]:
    """Everything in this workspace that works with each credential."""
    found: dict[int, list[Use]] = {}
    for model in (Source, Destination):
        rows = model.objects.filter(config__has_key="credential").order_by("name")
        for pk, name, chosen in rows.values_list("pk", "name", "config__credential"):
            if chosen:
                use = Use(model.kind.value, name, f"connectors:{model.kind.value}", (pk,))
                found.setdefault(int(chosen), []).append(use)
    for listing in _users:
        for credential_id, use in listing():
            found.setdefault(credential_id, []).append(use)
    return found


def sentence(used: Sequence[Use]) -> str:
    """What uses a credential, as part of a message."""
    names = ", ".join(f"{use.noun} “{use.name}”" if use.name else use.noun for use in used[:_SHOWN])
    more = len(used) - _SHOWN
    return f"{names} and {more:,} more" if more > 0 else names


def chosen(credential_id: int, provider: str) -> CloudCredential | None:
    """The credential of this workspace and provider."""
    return CloudCredential.objects.filter(pk=credential_id, provider=provider).first()


def hold(credential_id: int, provider: str) -> CloudCredential | None:
    """The credential of this workspace and provider, kept from being deleted meanwhile."""
    rows = CloudCredential.objects.select_for_update(no_key=True)
    return rows.filter(pk=credential_id, provider=provider).first()


def picker_of(fields: Iterable[Field]) -> CredentialPicker | None:
    """The setting that names a stored credential, where a connector has one."""
    return next((declared for declared in fields if isinstance(declared, CredentialPicker)), None)


def hold_chosen(fields: Iterable[Field], config: Mapping[str, Any]) -> str:
    """Keep the credential that settings name from being deleted meanwhile; what is wrong where there is none."""
    picker = picker_of(fields)
    chosen_id = config.get(picker.name) if picker else None
    if picker is None or not chosen_id or hold(int(chosen_id), picker.provider):
        return ""
    return "There is no such credential of this provider in this workspace."


def filled(fields: Iterable[Field], config: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of the stored credential that settings name, under the connector's names; nothing without one.

    All names it may fill are there, so that nothing that was entered before counts beside it: a stored credential goes
    to its provider, or where the operator says that provider is.
    """
    picker = picker_of(fields)
    chosen_id = config.get(picker.name) if picker else None
    if picker is None or not chosen_id:
        return {}
    credential = chosen(int(chosen_id), picker.provider)
    if credential is None:
        raise ConfigError(
            "The stored credential of this connection no longer exists.", field=picker.name, hint="Choose another one."
        )
    values = {"endpoint": settings.CLOUD_ENDPOINTS.get(picker.provider), **opened(credential).values}
    return {name: values.get(part) for name, part in picker.fills.items()}


def is_role(config: Mapping[str, Any]) -> bool:
    """Whether settings name a stored role: one that the machine's own credentials may assume for this workspace."""
    chosen_id = config.get("credential")
    return chosen_id is not None and CloudCredential.objects.filter(pk=int(chosen_id), access=CloudAccess.ROLE).exists()


def opened(credential: CloudCredential) -> Opened:
    """The credential as what connects uses it."""
    values = {**credential.config, **decrypt(credential.sealed)}
    return Opened(Cloud(credential.provider), CloudAccess(credential.access), values)


def new_external_id() -> tuple[str, str]:
    """An external ID that nobody has, and the proof that Headrace made it for this workspace.

    A person who could choose it could name the one of somebody else's role.
    """
    external_id = secrets.token_urlsafe(24)
    return external_id, signing.dumps([current_workspace_id(), external_id], salt=_SALT)


def proven_external_id(proof: str) -> str:
    """The external ID of a proof; nothing where it is not one of this workspace, or too old."""
    try:
        workspace_id, external_id = signing.loads(proof, salt=_SALT, max_age=_DAY)
    except signing.BadSignature:
        return ""
    return str(external_id) if workspace_id == current_workspace_id() else ""


def google_facts(text: str) -> tuple[dict[str, str], str]:
    """What a Google key says of itself, and what is wrong with it if it cannot be used."""
    try:
        key = json.loads(text)
    except ValueError:
        return {}, "This is not a JSON key. Make a new key of the type JSON in Google Cloud; P12 keys are not taken."
    wrong = _wrong_with(key)
    if wrong:
        return {}, wrong
    return {name: str(key.get(name, "")) for name in ("client_id", "client_email", "project_id", "private_key_id")}, ""


def _wrong_with(key: Any) -> str:
    if not isinstance(key, Mapping) or key.get("type") != "service_account":
        return "This is not the key of a service account: its type is another one."
    missing = [name for name in ("client_id", "client_email", "private_key") if not isinstance(key.get(name), str)]
    if missing:
        return f"The key is not complete: {', '.join(missing)} is missing."
    if key.get("token_uri") not in _token_uris() or key.get("universe_domain", "googleapis.com") != "googleapis.com":
        return "The key names another place than Google to prove itself at, and is not used there."
    return _wrong_private_key(str(key["private_key"]))


def _token_uris() -> set[str]:
    """Google's address for tokens; a key that names another one would have Headrace call it."""
    return {GOOGLE_PROOF_ADDRESS, settings.CLOUD_ENDPOINTS.get("gcp_token", GOOGLE_PROOF_ADDRESS)}


def _wrong_private_key(text: str) -> str:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError):
        return "The private key in the file cannot be read. Download the key again, or make a new one."
    return ""
