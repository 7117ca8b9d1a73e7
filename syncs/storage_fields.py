"""What the storage settings ask for: one declaration for the page, the API and the checks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from connectors.choices import Cloud
from connectors.sdk.fields import Field, Select, Text, When
from connectors.sdk.types import Choice

MANAGED = "managed"
_PREFIX = r"[A-Za-z0-9_=-][\w.=-]*(/[A-Za-z0-9_=-][\w.=-]*)*"
_PROVIDER = Select(
    name="provider",
    label="Where files are kept",
    style="cards",
    default=MANAGED,
    choices=(
        Choice(value=MANAGED, label="Managed", description="The storage of this installation. Nothing to set up."),
        Choice(value="aws", label="Amazon S3", description="A bucket of yours, in any region."),
        Choice(value="gcp", label="Google Cloud Storage", description="A bucket of yours."),
        Choice(value="azure", label="Azure Blob Storage", description="A container of a storage account of yours."),
    ),
)
_OWN: tuple[tuple[Field, tuple[str, ...]], ...] = (
    (
        Text(
            name="region",
            label="AWS region",
            placeholder="eu-central-1",
            max_length=40,
            pattern=r"[a-z]{2,4}(-[a-z]+)+-\d+",
            pattern_hint="Enter a region like eu-central-1.",
        ),
        ("aws",),
    ),
    (
        Text(
            name="project",
            label="Project ID",
            max_length=100,
            pattern=r"[a-z][a-z0-9.:-]{4,98}",
            pattern_hint="Enter the project's ID, not its name or number.",
        ),
        ("gcp",),
    ),
    (
        Text(
            name="account",
            label="Account name",
            help="The name of the storage account.",
            max_length=24,
            pattern=r"[a-z0-9]{3,24}",
            pattern_hint="3 to 24 lower-case letters and digits.",
        ),
        ("azure",),
    ),
    (
        Text(
            name="bucket",
            label="Bucket name",
            help="The bucket's name, not its address.",
            max_length=222,
            pattern=r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]",
            pattern_hint="Lower-case letters, digits, dots and dashes.",
        ),
        ("aws", "gcp"),
    ),
    (
        Text(
            name="container",
            label="Container name",
            max_length=63,
            pattern=r"[a-z0-9](-?[a-z0-9]){2,62}",
            pattern_hint="3 to 63 lower-case letters, digits and single dashes.",
        ),
        ("azure",),
    ),
    (
        Text(
            name="prefix",
            label="Prefix",
            help="Headrace touches nothing outside it. Give every environment one of its own.",
            placeholder="headrace/prod",
            max_length=200,
            required=False,
            pattern=_PREFIX,
            pattern_hint="Letters, digits and - _ . = in parts parted by /, without one at the start or end.",
        ),
        ("aws", "gcp", "azure"),
    ),
)


def fields_for(credentials: Callable[[str], Sequence[tuple[str, str]]]) -> tuple[Field, ...]:
    """The settings, with the credentials of each provider that there are to choose from."""
    own = [replace(field, when=When(field="provider", values=providers)) for field, providers in _OWN]
    return (_PROVIDER, *own, *(_picker(cloud, credentials(cloud.value)) for cloud in Cloud))


def _picker(cloud: Cloud, offered: Sequence[tuple[str, str]]) -> Select:
    return Select(
        name=f"{cloud.value}_credential",
        label="Credentials",
        help="From Settings, Cloud providers.",
        choices=tuple(Choice(value=value, label=label) for value, label in offered),
        when=When(field="provider", values=(cloud.value,)),
    )
