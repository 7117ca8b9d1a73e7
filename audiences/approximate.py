"""What a sample says about all rows: counts are divided by the part that is in it, shares and averages stay.

A limit of so many members is taken of the sample in the same proportion, so that whatever is asked about the members
within it fits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from msgspec import structs

from audiences.choices import CalculationKind
from audiences.definitions import asker
from audiences.models import SchemaModel
from audiences.query.conditions import Definition
from audiences.query.insights import Calculation as Calculated
from audiences.query.schema import SavedAudience, StudioSchema
from audiences.query.statements import Asker
from audiences.selectors.sampling import Sample, sample_for


def sampled_schema(schema: StudioSchema, sample: Sample) -> StudioSchema:
    """The schema with a sample in it, and the limits of its audiences as they are there."""
    audiences = {pk: within_sample(each, sample.rate) for pk, each in schema.audiences.items()}
    return sample.put_into(replace(schema, audiences=audiences))


def asking(schema: StudioSchema, model: SchemaModel, *, sampled: bool) -> Asker:
    """Asks for rows of a model now: of all, or of those in its sample."""
    if not sampled:
        return asker(schema)
    return replace(asker(sample_for(schema, model).put_into(schema)), sampled=True)


def within_sample(audience: SavedAudience, rate: float) -> SavedAudience:
    """An audience with its limit as it is in a sample."""
    limit = audience.definition.limit
    if limit is None or limit.count is None:
        return audience
    fewer = structs.replace(limit, count=max(1, round(limit.count * rate)) if limit.count else 0)
    return replace(audience, definition=structs.replace(audience.definition, limit=fewer))


def scaled(kind: CalculationKind, answer: Mapping[str, Any], sample: Sample, definition: Definition) -> dict[str, Any]:
    """An answer of a sample as one about all rows; ``sample`` in it says of how many percent it is."""
    known = {**answer, "sample": float(sample.percent), "sampled_at": sample.taken_at.isoformat()}
    if kind == CalculationKind.OVERLAP:
        return {
            **known,
            "others": [_times(each, sample.rate, "both", "only_this", "only_other") for each in answer["others"]],
        }
    if kind == CalculationKind.EVENTS:
        return {**known, "events": [_times(each, sample.rate, "members") for each in answer["events"]]}
    if kind == CalculationKind.BREAKDOWN:
        return _breakdown(known, sample.rate)
    return _size(known, sample.rate, definition)


def _size(answer: Mapping[str, Any], rate: float, definition: Definition) -> dict[str, Any]:
    found = _times(answer, rate, "members", "total", "sent")
    found |= {name: [_whole(count, rate) for count in answer[name]] for name in ("alone", "after")}
    if "rules" in answer:
        found["rules"] = [_times(each, rate, "sent") for each in answer["rules"]]
    limit = definition.limit
    if limit is not None and limit.count is not None:
        for name in ("members", "sent"):
            if name in found:
                found[name] = min(found[name], limit.count)
    return found


def _breakdown(answer: Mapping[str, Any], rate: float) -> dict[str, Any]:
    found = _times(answer, rate, "members", "empty")
    summed = answer["calculation"] == Calculated.SUM
    groups = [_times(each, rate, "members") for each in answer["groups"]]
    if summed:
        groups = [{**each, "value": None if each["value"] is None else each["value"] / rate} for each in groups]
    return {**found, "groups": groups}


def _times(found: Mapping[str, Any], rate: float, *names: str) -> dict[str, Any]:
    return {**found, **{name: _whole(found[name], rate) for name in names if name in found}}


def _whole(count: int, rate: float) -> int:
    return round(count / rate)
