"""Tombstones as runs read them: whom to leave out of one model's rows."""

from __future__ import annotations

from base64 import b64decode

from connectors.secrets import decrypt
from syncs.engine.forgetting import Forgotten
from syncs.models import ForgetKey, Tombstone


def forgotten_rows(model_id: int, column: str) -> Forgotten | None:
    """Whom runs leave out of the rows of a model with this primary key; nothing where nobody was forgotten."""
    rows = Tombstone.objects.filter(model_id=model_id, column=column).values_list("key_id", "digest", "fresh")
    digests: dict[int, set[str]] = {}
    thorough = False
    for key_id, digest, fresh in rows:
        digests.setdefault(key_id, set()).add(digest)
        thorough |= fresh
    if not digests:
        return None
    secrets = {key.pk: secret_of(key) for key in ForgetKey.objects.filter(pk__in=digests)}
    by_secret = {secrets[key_id]: frozenset(found) for key_id, found in digests.items()}
    return Forgotten(context_of(model_id, column), by_secret, thorough)


def context_of(model_id: int, column: str) -> str:
    """What keeps the hashes of one model's keys apart from another's."""
    return f"model:{model_id}:{column}:"


def secret_of(key: ForgetKey) -> bytes:
    """The secret itself, for this process's memory only."""
    return b64decode(decrypt(key.sealed)["secret"])
