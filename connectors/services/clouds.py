"""Writes to credentials at cloud providers. Secrets go in and never come out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from config.errors import Conflict, Invalid
from connectors import clouds
from connectors.choices import Cloud, CloudAccess
from connectors.models import CloudCredential
from connectors.sdk.validation import Cleaned, InvalidSettings, clean
from connectors.secrets import decrypt, encrypt
from governance.audit.actors import Actor
from governance.audit.services import changes, record, service, unchanged
from workspaces.access import require
from workspaces.scoping import current_workspace_id

MAX_CREDENTIAL_NAME = 120


@service("cloud_credential.created")
def create_cloud_credential(
    *, actor: Actor, provider: str, name: str, values: Mapping[str, Any], proof: str = ""
) -> CloudCredential:
    """Add a credential. ``proof`` is of the external ID that a person was shown for a role (see
    :func:`connectors.clouds.new_external_id`); without one a new ID is made."""
    require(actor, clouds.MANAGE)
    if provider not in Cloud.values:
        raise Invalid.field("provider", f"Choose one of {', '.join(Cloud.values)}.")
    cloud = Cloud(provider)
    cleaned = _cleaned(clouds.new_fields(cloud), values, {})
    chosen = cleaned.config.pop("access", None) or clouds.ONLY_ACCESS[cloud]
    credential = CloudCredential(
        workspace_id=current_workspace_id(), provider=cloud, access=chosen, created_by_id=actor.user_id
    )
    credential.name = _free_name(name)
    external = {"external_id": _external_id(proof)} if chosen == CloudAccess.ROLE else {}
    _put(credential, cleaned, external)
    credential.save(force_insert=True)
    record(credential, after=_facts(credential))
    return credential


@service("cloud_credential.updated")
def update_cloud_credential(
    *, actor: Actor, credential: CloudCredential, name: str, values: Mapping[str, Any]
) -> CloudCredential:
    """Rename a credential or replace what it proves itself with, wherever it is used.

    The secret may be left out where nothing else changes: it stays as it was.
    """
    credential = clouds.credential_for(actor, credential.pk, lock=True)
    before, known = _facts(credential), decrypt(credential.sealed)
    credential.name = _free_name(name, besides=credential.pk)
    external = {key: value for key, value in known.items() if key == "external_id"}
    stored = {key: value for key, value in known.items() if key not in external}
    cleaned = _cleaned(clouds.fields_of(credential), values, stored)
    _refuse_kept_secret(credential, cleaned, stored)
    replaced = cleaned.secrets != stored
    if replaced or any(credential.config.get(key) != value for key, value in cleaned.config.items()):
        _put(credential, cleaned, external)
    difference = changes(before, _facts(credential))
    if not difference and not replaced:
        unchanged()
        return credential
    credential.save()
    after = {**difference.after, **({"secret": "replaced"} if replaced else {})}
    record(credential, before=difference.before, after=after)
    return credential


@service("cloud_credential.deleted")
def delete_cloud_credential(*, actor: Actor, credential: CloudCredential) -> None:
    """Remove a credential; refused while something works with it."""
    credential = clouds.credential_for(actor, credential.pk, lock=True)
    if used := clouds.uses().get(credential.pk):
        raise Conflict(
            f"“{credential}” is still used by {clouds.sentence(used)}.", hint="Choose another credential there first."
        )
    record(credential, before=_facts(credential))
    credential.delete()


def _cleaned(fields: Any, values: Mapping[str, Any], stored: Mapping[str, Any]) -> Cleaned:
    try:
        cleaned = clean(fields, values, stored=stored)
    except InvalidSettings as error:
        raise Invalid("Some settings need another look.", fields=error.errors) from None
    if key := cleaned.secrets.get("key"):
        facts, wrong = clouds.google_facts(key)
        if wrong:
            raise Invalid.field("key", wrong)
        cleaned.config.update(facts)
    return cleaned


def _refuse_kept_secret(credential: CloudCredential, cleaned: Cleaned, stored: Mapping[str, Any]) -> None:
    """A kept secret stays with the identity it belongs to."""
    moved = any(credential.config.get(key) != value for key, value in cleaned.config.items())
    if moved and stored and cleaned.secrets == stored:
        raise Invalid.field(next(iter(stored)), "Enter it again: it belongs to the identity that was set before.")


def _put(credential: CloudCredential, cleaned: Cleaned, external: Mapping[str, str]) -> None:
    credential.config = cleaned.config
    credential.sealed = encrypt({**cleaned.secrets, **external})
    credential.secret_set_at = timezone.now()


def _external_id(proof: str) -> str:
    if not proof:
        return clouds.new_external_id()[0]
    proven = clouds.proven_external_id(proof)
    if not proven:
        raise Invalid.field("role_arn", "The external ID on this page has run out. Open the page again for a new one.")
    return proven


def _facts(credential: CloudCredential) -> dict[str, Any]:
    return {
        "name": credential.name,
        "provider": credential.provider,
        "access": credential.access,
        **credential.config,
    }


def _free_name(name: str, besides: int = 0) -> str:
    name = " ".join(name.split())
    if not name:
        raise Invalid.field("name", "Enter a display name.")
    if len(name) > MAX_CREDENTIAL_NAME:
        raise Invalid.field("name", f"Enter at most {MAX_CREDENTIAL_NAME} characters.")
    if CloudCredential.objects.filter(name=name).exclude(pk=besides).exists():
        raise Invalid.field("name", "Another cloud credential of this workspace has this name.")
    return name
