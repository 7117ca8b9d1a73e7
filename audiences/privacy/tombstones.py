"""Whom recordings leave out."""

from __future__ import annotations

from audiences.models import Audience, ForgottenMember
from syncs.engine.forgetting import Forgotten
from syncs.models import ForgetKey
from syncs.privacy.tombstones import forgotten_rows, secret_of


def forgotten_members(audience: Audience, column: str) -> list[Forgotten]:
    """The forgotten rows of an audience: of its parent model, and of what its syncs read."""
    found = [of_parent(audience.parent_model_id, column)]
    if audience.model_id:
        found.append(forgotten_rows(audience.model_id, column))
    return [each for each in found if each is not None]


def context_of(parent_id: int, column: str) -> str:
    """What keeps the hashes of one parent model's keys apart from another's."""
    return f"parent:{parent_id}:{column}:"


def of_parent(parent_id: int, column: str) -> Forgotten | None:
    """Who was forgotten in the histories of a parent model's audiences."""
    digests: dict[int, set[str]] = {}
    rows = ForgottenMember.objects.filter(parent_model_id=parent_id, column=column)
    for key_id, digest in rows.values_list("key_id", "digest"):
        digests.setdefault(key_id, set()).add(digest)
    if not digests:
        return None
    keys = ForgetKey.objects.filter(pk__in=digests)
    by_secret = {secret_of(key): frozenset(digests[key.pk]) for key in keys}
    return Forgotten(context_of(parent_id, column), by_secret)
