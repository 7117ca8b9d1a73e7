"""Values that people typed into conditions, as a holder of people's data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from django.urls import reverse

from audiences.models import Audience, AudienceTemplate, DestinationRule, SchemaModel, Subset, Trait
from audiences.privacy.finding import key_of
from audiences.privacy.histories import everybody_known
from audiences.privacy.typed import Sought, without
from audiences.services import privacy as writes
from governance.privacy.registry import Holder, Order, Subject
from workspaces.models import Workspace
from workspaces.scoping import current_workspace_id

Check = Callable[[], None]
Defined = Audience | AudienceTemplate | DestinationRule | Subset | Trait
ALL, ANY = 0, ""
#: What is defined by conditions: its kind in the audit log, its rows, the fields that hold conditions, and their model.
STORED: Mapping[str, tuple[type[Defined], tuple[str, ...], str]] = {
    "audience": (Audience, ("definition", "enrichments"), "parent_model_id"),
    "audience_template": (AudienceTemplate, ("definition",), "parent_model_id"),
    "subset": (Subset, ("definition",), "category__parent_model_id"),
    "destination_rule": (DestinationRule, ("definition",), "parent_model_id"),
    "trait": (Trait, ("definition", "extra"), "model_id"),
}


class ConditionHolder(Holder):
    """A person's values in the conditions of audiences, templates, subsets, rules and traits, all of them at once."""

    def places(self, subject: Subject) -> Sequence[int]:
        """One, if there is a schema."""
        return [ALL] if SchemaModel.objects.exists() else []

    def find(self, place: int, subject: Subject, check: Check) -> Mapping[str, Any] | None:
        """What is defined by conditions that name the person: the value that was asked for, an address, or a key."""
        sought = _sought(subject, check)
        lines: list[dict[str, Any]] = [
            {"name": str(row), "kind": kind, "id": row.pk, "url": row.get_absolute_url(), "count": count}
            for kind, row, count in _naming(sought, check)
        ]
        if not lines:
            return None
        slug = Workspace.objects.get(pk=current_workspace_id()).slug
        return {
            "label": "Values typed into conditions",
            "link": "Open the audiences",
            "url": reverse("audiences:audiences", args=[slug]),
            "destination": "",
            "model": "",
            "model_id": None,
            "source_id": None,
            "primary_key": "",
            "keys": [],
            "held": [],
            "sent": [],
            "lists": lines,
            "problems": [],
        }

    def resources(self, place: Mapping[str, Any]) -> Sequence[tuple[str, int]]:
        """What is defined by them."""
        return [(str(line["kind"]), int(line["id"])) for line in place["lists"]]

    def begin(self, order: Order, check: Check) -> Mapping[str, Any]:
        """Whose values are to leave which conditions."""
        if not order.places:
            return {"conditions": [], "sought": {}}
        sought = _sought(order.subject, check)
        rows = [[kind, row.pk] for kind, row, _ in _naming(sought, check)]
        return {"conditions": rows, "sought": {model: each.plain for model, each in sought.items()}}

    def steps(self, order: Order, notes: Mapping[str, Any]) -> Sequence[str]:
        """One for each that is defined by them."""
        return [f"{kind} {pk}" for kind, pk in notes["conditions"]]

    def erase(self, order: Order, notes: Mapping[str, Any], step: str, check: Check) -> Sequence[Mapping[str, Any]]:
        """Take the values out of one."""
        kind, pk = step.split()
        model, fields, owner = STORED[kind]
        about = model.objects.filter(pk=int(pk)).values_list(owner, flat=True).first()
        sought = {model_id: Sought.of(plain) for model_id, plain in notes["sought"].items()}
        count = writes.erase_from_conditions(model, int(pk), fields, _for(sought, about))
        return [{"what": "Values typed into conditions", "where": "Headrace's database", "count": count}]

    def texts(self, notes: Mapping[str, Any]) -> Sequence[str]:
        """Values that are no bare numbers."""
        return sorted({text for each in notes["sought"].values() for text in each["texts"]})


def _naming(sought: Mapping[str, Sought], check: Check) -> Iterator[tuple[str, Defined, int]]:
    """What is defined by conditions that name the person, and how often."""
    for kind, (model, fields, owner) in STORED.items():
        owners = dict(model.objects.values_list("pk", owner))
        for row in model.objects.order_by("pk"):
            check()
            count = sum(without(getattr(row, name), _for(sought, owners[row.pk]))[1] for name in fields)
            if count:
                yield kind, row, count


def _for(sought: Mapping[str, Sought], model_id: int | None) -> Sought:
    return sought.get(str(model_id)) or sought[ANY]


def _sought(subject: Subject, check: Check) -> dict[str, Sought]:
    """By model: a text or address means the person anywhere, a number only where it is compared with a parent's key."""
    known = everybody_known(subject, check)
    everywhere = {subject.value, *(text for each in known.values() for text in (*each.addresses, *each.keys))}
    texts = frozenset(text for text in everywhere if not text.isdecimal())
    found = {ANY: Sought(texts)}
    for parent in SchemaModel.objects.filter(pk__in=known):
        numbers = frozenset(key for key in known[parent.pk].keys if key.isdecimal())
        found[str(parent.pk)] = Sought(texts, key_of(parent), numbers)
    return found
