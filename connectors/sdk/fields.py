"""Declarations of settings: one truth for the form, validation, API schema and docs.

A connector's configuration and a sync's settings are tuples of these. They are
data; `connectors/forms.py` renders them, :func:`clean` validates raw input.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from connectors.sdk.types import Choice


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """Show and require a field only when another field has one of these values."""

    field: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """Base declaration. ``name`` is the key in the stored configuration."""

    name: str
    label: str
    help: str = ""
    required: bool = True
    default: Any = None
    secret: bool = False
    when: When | None = None
    group: str = ""  # heading under which the form shows it


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed(Field):
    """What the connector's method named by ``discover`` can list.

    ``depends`` names settings before this one, beside or around it: the method gets their values
    as keyword arguments. It is asked when all of them are chosen (at once where it does not ``wait``).
    """

    discover: str = ""
    depends: tuple[str, ...] = ()
    wait: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Builder:
    """A page of the vendor's on which JSON that is written here can be looked at, beside what is typed.

    It is opened at ``url`` with ``{key: the JSON}`` behind it, and called ``name``.
    """

    name: str
    url: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Text(Listed):
    """One line of text, or several. ``template`` allows Liquid; ``syntax`` colours the editor.

    What is listed is offered while one types; anything else may be entered, too.

    ``redirects`` marks the address of a service's page on which a person agrees: beside it
    the form shows the address to register there. ``builder`` is where JSON in it can be looked at.
    """

    placeholder: str = ""
    multiline: bool = False
    max_length: int = 2_000
    pattern: str = ""  # full-match regular expression
    pattern_hint: str = ""  # what the pattern asks for, in words
    template: bool = False
    syntax: Literal["", "json", "sql", "liquid", "xml"] = ""
    redirects: bool = False
    builder: Builder | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Number(Field):
    """A number, whole unless ``whole`` is false; ``unit`` is shown behind the input."""

    minimum: float | None = None
    maximum: float | None = None
    whole: bool = True
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Toggle(Field):
    """On or off."""

    required: bool = False
    default: bool = False


# For sync types with ``split_retry``: the engine reads it from the sync's settings.
SPLIT_RETRY = Toggle(
    name="split_retry",
    label="Split batches that are refused",
    help="Halves a refused batch again and again, until each row is accepted or has an error of its own. Slower.",
    default=True,
    group="Errors",
)


def batch_rows(most: int) -> Number:
    """How many rows a request has at most; destinations of web services keep to it."""
    return Number(
        name="batch_rows",
        label="Rows in a request",
        help="Fewer make smaller requests, where the service finds them too large or too slow.",
        default=most,
        minimum=1,
        maximum=most,
        unit="rows",
        group="Load",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Select(Listed):
    """One of ``choices``, or of what can be listed.

    The list is asked for again when a setting that it depends on changes; a choice that is no longer
    offered then is given up, and so are those that depend on it.
    ``style`` "cards" renders radio cards with descriptions. ``column`` offers the model's columns.
    """

    choices: tuple[Choice, ...] = ()
    style: Literal["select", "cards"] = "select"
    column: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyValues(Field):
    """Rows of name and value; with ``secret_rows`` each row may be marked secret (e.g. headers).

    ``column`` offers the model's columns for the value. Stored as a list of
    ``{"name": str, "value": str, "secret": bool}``.
    """

    required: bool = False
    secret_rows: bool = False
    template: bool = False
    column: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FileUpload(Field):
    """The text of an uploaded file (certificate, key), at most ``max_bytes``."""

    accept: str = ""
    max_bytes: int = 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Section(Field):
    """A switchable group of nested fields, stored as an object (e.g. one request trigger)."""

    fields: tuple[Field, ...] = ()
    required: bool = False
    optional: bool = True  # shows an on/off switch; off stores None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked(Field):
    """Settings that only the connected system knows, stored as an object (:meth:`Destination.asked` tells them).

    Forms and checks put a :class:`Section` with them in its place; whoever does not ask takes any JSON object.
    """

    required: bool = False


def with_asked(fields: Sequence[Field], told: Sequence[Field]) -> tuple[Field, ...]:
    """Declarations with the told settings in the place of :class:`Asked` ones."""
    return tuple(
        Section(name=f.name, label=f.label, help=f.help, group=f.group, fields=tuple(told), optional=False)
        if isinstance(f, Asked)
        else f
        for f in fields
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TunnelPicker(Field):
    """One of the workspace's SSH tunnels by its id; none means that connections are made directly."""

    required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialPicker(Field):
    """One of the workspace's stored credentials at a cloud provider by its id; none means that keys are entered here.

    The host opens it and hands its parts to the connector under the names in ``fills``.
    """

    provider: str
    required: bool = False
    fills: Mapping[str, str]


def stored_credential(provider: str, name: str, fills: Mapping[str, str]) -> CredentialPicker:
    """The picker that connectors of a provider's services share; ``name`` is the provider's."""
    return CredentialPicker(
        name="credential",
        label="Stored credential",
        help=f"A credential for {name} from Settings, Cloud providers.",
        provider=provider,
        fills=fills,
    )


# Keys that a connector asks for itself count where no stored credential is chosen.
NO_CREDENTIAL = When(field="credential", values=(None,))
AWS_CREDENTIAL = stored_credential(
    "aws",
    "Amazon Web Services",
    {
        name: name
        for name in ("access_key_id", "secret_access_key", "session_token", "role_arn", "external_id", "endpoint")
    },
)
GCP_CREDENTIAL = stored_credential("gcp", "Google Cloud", {"service_account_key": "key"})
AZURE_CREDENTIAL = stored_credential(
    "azure", "Microsoft Azure", {name: name for name in ("tenant_id", "client_id", "client_secret")}
)
# For every connector with a host and port that asks :func:`connectors.sdk.tunnels.route` for the way there.
TUNNEL = TunnelPicker(
    name="tunnel",
    label="Connect through",
    help="An SSH tunnel of this workspace, for a host in a private network. A private link of your cloud (PrivateLink, "
    "Private Service Connect) is reached directly, once the operator has opened its address.",
    group="Network",
)
