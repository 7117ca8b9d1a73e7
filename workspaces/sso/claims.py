"""What an identity provider says about a person, whatever protocol it speaks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from workspaces.models import IdentityProvider
from workspaces.sso.diagnosis import SignInFailed

LONGEST = 400
MOST_GROUPS = 2_000


@dataclass(frozen=True, slots=True)
class Claims:
    """A person as the provider vouches for them. ``groups`` is ``None`` where it said nothing of groups."""

    subject: str
    email: str
    name: str
    groups: tuple[str, ...] | None = None
    said: Mapping[str, Any] = field(default_factory=dict)


def claims_from(
    provider: IdentityProvider, subject: str, attributes: Mapping[str, Sequence[str]], said: Mapping[str, Any]
) -> Claims:
    """The claims in a provider's attributes; raises :class:`SignInFailed` for what is missing.

    A name also matches the end of a longer one (``…/claims/email``), as some providers
    put a namespace before it.
    """
    if not subject:
        raise SignInFailed("no_subject", said=said)
    if len(subject) > LONGEST:
        raise SignInFailed("no_subject", words=f"It is longer than {LONGEST} characters.", said=said)
    email = first(values_of(attributes, provider.email_attribute)).lower()
    name = first(values_of(attributes, provider.name_attribute))
    missing = [n for n, v in ((provider.email_attribute, email), (provider.name_attribute, name)) if not v]
    if missing:
        raise SignInFailed("missing_attributes", words=f"Missing: {', '.join(missing)}.", said=said)
    try:
        validate_email(email)
    except ValidationError:
        raise SignInFailed("bad_email", words=f"It said “{email[:100]}”.", said=said) from None
    groups = values_of(attributes, provider.groups_attribute)
    return Claims(subject, email, name[:120], None if groups is None else clean_groups(groups), said)


def values_of(attributes: Mapping[str, Sequence[str]], name: str) -> Sequence[str] | None:
    """The values of an attribute by its exact name, or by the last part of a name with a namespace."""
    if name in attributes:
        return attributes[name]
    return next((v for key, v in attributes.items() if key.rstrip("/").rpartition("/")[2] == name), None)


def first(values: Sequence[str] | None) -> str:
    """The first value that says something."""
    return next((v.strip() for v in values or () if v and v.strip()), "")


def clean_groups(groups: Sequence[str]) -> tuple[str, ...]:
    """Names of groups, once each, in order; any text is a name."""
    names = dict.fromkeys(g.strip()[:LONGEST] for g in groups if g and g.strip())
    return tuple(names)[:MOST_GROUPS]
