"""Uploaded lists of values as a holder of people's data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from django.urls import reverse

from audiences.models import Audience, AudienceTemplate, SchemaModel, ValueList
from audiences.privacy.finding import Known, key_of
from audiences.privacy.histories import everybody_known
from audiences.referring import RefersTo
from audiences.services import privacy as writes
from governance.privacy.registry import Holder, Order, Subject

Check = Callable[[], None]
ALL = 0


class ListHolder(Holder):
    """Values of a person in the lists that people uploaded, all of them at once."""

    def places(self, subject: Subject) -> Sequence[int]:
        """One, if there are lists."""
        return [ALL] if ValueList.objects.exists() else []

    def find(self, place: int, subject: Subject, check: Check) -> Mapping[str, Any] | None:
        """The lists that hold the value that was asked for, the person's addresses, or a key of theirs."""
        known = everybody_known(subject, check)
        lines: list[dict[str, Any]] = [
            {"name": row.name, "list_id": row.pk, "url": row.get_absolute_url(), "count": len(values)}
            for row, values in _holding(subject, known, check)
        ]
        if not lines:
            return None
        workspace = ValueList.objects.select_related("workspace").get(pk=lines[0]["list_id"]).workspace
        return {
            "label": "Uploaded lists of values",
            "link": "Open the lists",
            "url": reverse("audiences:lists", args=[workspace.slug]),
            "destination": "",
            "model": "",
            "model_id": None,
            "source_id": None,
            "primary_key": "",
            "keys": sorted({key for each in known.values() for key in each.keys}),
            "held": [],
            "sent": [],
            "lists": lines,
            "problems": [],
        }

    def resources(self, place: Mapping[str, Any]) -> Sequence[tuple[str, int]]:
        """The lists."""
        return [("value_list", int(line["list_id"])) for line in place["lists"]]

    def begin(self, order: Order, check: Check) -> Mapping[str, Any]:
        """Which values are to leave which lists."""
        if not order.places:
            return {"lists": {}}
        found = _holding(order.subject, everybody_known(order.subject, check), check)
        return {"lists": {str(row.pk): values for row, values in found}}

    def steps(self, order: Order, notes: Mapping[str, Any]) -> Sequence[str]:
        """One a list, then the queries of runs that were written with them."""
        return [*(f"list {pk}" for pk in notes["lists"]), *(["queries"] if notes["lists"] else [])]

    def erase(self, order: Order, notes: Mapping[str, Any], step: str, check: Check) -> Sequence[Mapping[str, Any]]:
        """Erase from one list, or from queries."""
        if step == "queries":
            values = sorted({value for found in notes["lists"].values() for value in found})
            return [{"what": "Queries of runs", "where": "Headrace's database", "count": writes.erase_queries(values)}]
        pk = step.split()[1]
        count = writes.erase_from_list(int(pk), notes["lists"][pk])
        return [{"what": "Values of uploaded lists", "where": "Headrace's database", "count": count}]

    def texts(self, notes: Mapping[str, Any]) -> Sequence[str]:
        """Values that are no bare numbers."""
        return sorted({value for found in notes["lists"].values() for value in found if not value.isdecimal()})


def _holding(subject: Subject, known: Mapping[int, Known], check: Check) -> Iterator[tuple[ValueList, list[str]]]:
    """The lists that hold values of the person, and these as they stand there.

    An address or a text means the person in any list; a bare number only in lists that conditions compare with the
    key of a parent model, as elsewhere it may count anything.
    """
    sought = {subject.value, *(text for each in known.values() for text in (*each.addresses, *each.keys))}
    texts = {text.casefold() if "@" in text else text for text in sought if not text.isdecimal()}
    for row in ValueList.objects.select_related("workspace").order_by("pk"):
        check()
        numbers = _keys_in(row, known) if any(text.isdecimal() for text in sought) else set()
        values = [v for v in row.values if (v.casefold() if "@" in v else v) in texts or v in numbers]
        if values:
            yield row, values


def _keys_in(row: ValueList, known: Mapping[int, Known]) -> set[str]:
    """The person's keys, of those parent models with whose key a condition compares the list."""
    uses = RefersTo("definition", "list", row.pk)
    definitions = [
        *Audience.objects.filter(uses).values_list("parent_model_id", "definition"),
        *AudienceTemplate.objects.filter(uses).values_list("parent_model_id", "definition"),
    ]
    keys = {parent.pk: key_of(parent) for parent in SchemaModel.objects.filter(pk__in=known)}
    found: set[str] = set()
    for parent_id, definition in definitions:
        if parent_id in keys and _compares(definition, keys[parent_id], str(row.pk)):
            found |= known[parent_id].keys
    return found


def _compares(value: Any, column: str, list_id: str) -> bool:
    """Whether some condition compares a column of this name with the list."""
    if isinstance(value, list):
        return any(_compares(each, column, list_id) for each in value)
    if not isinstance(value, dict):
        return False
    field, test = value.get("field"), value.get("test")
    operand = test.get("operand") if isinstance(test, dict) else None
    named = isinstance(field, dict) and field.get("column") == column
    if named and isinstance(operand, dict) and str(operand.get("list")) == list_id:
        return True
    return any(_compares(each, column, list_id) for each in value.values())
