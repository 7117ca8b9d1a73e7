"""The histories of audiences as a holder of people's data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse

from audiences.choices import LogPlace, ModelKind
from audiences.models import Audience, SchemaModel
from audiences.privacy.finding import Known, key_of, known_of
from audiences.selectors.history import entries_of_rows
from audiences.services import privacy as writes
from audiences.services.recordings import erase_from_history
from connectors.sdk.errors import ConnectorError
from governance.privacy.registry import ANY_KEY, Holder, Order, Stuck, Subject, Wait

Check = Callable[[], None]


class HistoryHolder(Holder):
    """Who was in which audience, of all audiences of a parent model at once: a place is a parent model."""

    def places(self, subject: Subject) -> Sequence[int]:
        """Parent models of sources that have a history."""
        rows = _parents().exclude(source__audience_logs__place="").filter(source__audience_logs__isnull=False)
        return [parent.pk for parent in rows if len(parent.primary_key) == 1]

    def find(self, place: int, subject: Subject, check: Check) -> Mapping[str, Any] | None:
        """When somebody entered and left, and how often runs held them out."""
        parent = _parents().filter(pk=place).first()
        if parent is None:
            return None
        known = known_of(parent, subject, check)
        lines: list[Mapping[str, Any]] = []
        held_out, problems = 0, list(known.problems)
        for audience in _audiences(parent) if known.keys else ():
            check()
            try:
                found, held = entries_of_rows(audience, known.keys)
            except ConnectorError as error:
                problems.append(f"The history of “{audience}” could not be asked ({error.code}).")
                continue
            url = reverse("audiences:audience_history", args=[parent.workspace.slug, audience.pk])
            lines += [{"audience": audience.name, "audience_id": audience.pk, "url": url, **line} for line in found]
            held_out += held
        if not lines and not held_out and not problems:
            return None
        return {
            "label": f"Histories of audiences of {parent.name}",
            "link": "Open the model",
            "url": parent.get_absolute_url(),
            "destination": "",
            "model": parent.name,
            "model_id": None,
            "source_id": parent.source_id,
            "primary_key": key_of(parent),
            "keys": sorted(known.keys),
            "held": [],
            "sent": [],
            "memberships": lines,
            "held_out": held_out,
            "problems": problems,
        }

    def resources(self, place: Mapping[str, Any]) -> Sequence[tuple[str, int]]:
        """The parent model, and the audiences that somebody was in."""
        audiences = {("audience", int(line["audience_id"])) for line in place["memberships"]}
        return [("schema_model", int(place["place"])), *sorted(audiences)]

    def begin(self, order: Order, check: Check) -> Mapping[str, Any]:
        """Find the person once more, see to it that no history takes them up again, and wait for what is written."""
        keys: dict[int, set[str]] = {}
        addresses: set[str] = set()
        for parent in self._meant(order):
            known = known_of(parent, order.subject, check)
            if known.problems and parent.pk in order.places and not order.anyway:
                raise Stuck(" ".join(known.problems), "Mend that first, or erase what Headrace holds anyway.")
            found = known.keys | (order.keys if parent.pk in order.places else frozenset())
            if found:
                keys[parent.pk] = set(found)
            addresses |= known.addresses
        writes.forget_members(order.case_id, keys)
        if busy := writes.being_written(list(keys)):
            raise Wait(f"The members of “{busy}” are being written down.")
        return {"keys": {str(pk): sorted(found) for pk, found in keys.items()}, "texts": sorted(addresses)}

    def _meant(self, order: Order) -> list[SchemaModel]:
        """Where something was found; and with an address, which means one person, wherever it is."""
        rows = _parents() if order.subject.scope != ANY_KEY else _parents().filter(pk__in=order.places)
        return [parent for parent in rows if len(parent.primary_key) == 1]

    def steps(self, order: Order, notes: Mapping[str, Any]) -> Sequence[str]:
        """One an audience."""
        parents = [int(pk) for pk in notes["keys"]]
        rows = Audience.objects.filter(parent_model__in=parents, parent_model__source__audience_logs__isnull=False)
        return [f"audience {pk}" for pk in rows.order_by("pk").values_list("pk", flat=True)]

    def erase(self, order: Order, notes: Mapping[str, Any], step: str, check: Check) -> Sequence[Mapping[str, Any]]:
        """Erase from the history of one audience."""
        audience = _related().filter(pk=int(step.split()[1])).first()
        if audience is None:  # deleted meanwhile, with its files
            return []
        keys = frozenset(notes["keys"][str(audience.parent_model_id)])
        try:
            place, count = erase_from_history(audience, keys)
        except ConnectorError as error:
            raise Stuck(f"The history of “{audience}” cannot be erased: {error.message}", error.hint) from error
        where = str(audience.parent_model.source) if place == LogPlace.WAREHOUSE else f"“{audience}”"
        return [{"what": "Entries of histories of audiences", "where": where, "count": count}]

    def texts(self, notes: Mapping[str, Any]) -> Sequence[str]:
        """Their addresses, and keys that are no bare numbers."""
        return [*notes["texts"], *(key for key in self.keys(notes) if not key.isdecimal())]

    def keys(self, notes: Mapping[str, Any]) -> Sequence[str]:
        """Every key of the person's rows."""
        return sorted({key for found in notes["keys"].values() for key in found})


def everybody_known(subject: Subject, check: Check) -> Mapping[int, Known]:
    """What is known of somebody, by parent model."""
    return {parent.pk: known_of(parent, subject, check) for parent in _parents() if len(parent.primary_key) == 1}


def _parents() -> QuerySet[SchemaModel]:
    rows = SchemaModel.objects.filter(kind=ModelKind.PARENT).select_related("source", "workspace")
    return rows.order_by("pk")


def _related() -> QuerySet[Audience]:
    return Audience.objects.select_related("parent_model__source", "workspace").order_by("pk")


def _audiences(parent: SchemaModel) -> QuerySet[Audience]:
    return _related().filter(parent_model=parent)
