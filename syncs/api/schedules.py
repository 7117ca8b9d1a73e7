"""Schedules over the wire: of syncs and of sequences."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from typing import Any

from rest_framework import serializers

from config.errors import Invalid
from syncs.choices import ScheduleKind
from syncs.recurrence import DAYS, Recurrence
from syncs.schedules import BadSchedule, Schedule, UpstreamJob

_DAYS = tuple(day.lower() for day in DAYS)
_WIRE_FIELDS = {
    "cron": "expression",
    "recurrences": "expressions",
    "zone": "timezone",
    "starts_at": "startsAt",
    "ends_at": "endsAt",
    "after_credential": "credentialId",
    "after_jobs": "jobs",
}


class Interval(serializers.Serializer[Any]):
    """So many minutes, hours, days or weeks."""

    quantity = serializers.IntegerField(min_value=1)
    unit = serializers.ChoiceField(["minute", "hour", "day", "week"])


class Days(serializers.Serializer[Any]):
    """The days of the week on which it runs."""

    monday = serializers.BooleanField(required=False, default=False)
    tuesday = serializers.BooleanField(required=False, default=False)
    wednesday = serializers.BooleanField(required=False, default=False)
    thursday = serializers.BooleanField(required=False, default=False)
    friday = serializers.BooleanField(required=False, default=False)
    saturday = serializers.BooleanField(required=False, default=False)
    sunday = serializers.BooleanField(required=False, default=False)


class RecurrenceShape(serializers.Serializer[Any]):
    """Some days of the week at one time of day."""

    days = Days()
    time = serializers.RegexField(r"^([01]?\d|2[0-3]):[0-5]\d$", help_text="Hours and minutes, such as 08:30")


class JobShape(serializers.Serializer[Any]):
    """A job of dbt Cloud (``account/job``) or a connection of Fivetran."""

    id = serializers.CharField(max_length=200)
    name = serializers.CharField(max_length=400, required=False, help_text="What people know it by")


class ScheduleDetail(serializers.Serializer[Any]):
    """``interval``, ``expressions``, ``expression`` or ``credentialId`` with ``jobs``, by the schedule's type.

    ``expressions`` follow the clocks of ``timezone``, UTC where it is left out; ``startsAt`` and ``endsAt``
    bound intervals and ``expressions``.
    """

    interval = Interval(required=False)
    expression = serializers.CharField(required=False, help_text="A cron expression of five fields, in UTC")
    expressions = RecurrenceShape(many=True, required=False)
    timezone = serializers.CharField(required=False, help_text="An IANA time zone, such as Europe/Berlin")
    credentialId = serializers.IntegerField(required=False, help_text="A cloud credential of dbt Cloud or Fivetran")
    jobs = JobShape(many=True, required=False, help_text="Runs whenever one of them has succeeded")
    startsAt = serializers.DateTimeField(required=False, allow_null=True)
    endsAt = serializers.DateTimeField(required=False, allow_null=True)


class ScheduleShape(serializers.Serializer[Any]):
    """When it runs by itself."""

    type = serializers.ChoiceField(["manual", "interval", "visual_cron", "cron", "dbt_cloud", "fivetran"])
    schedule = ScheduleDetail(required=False, allow_null=True)


def schedule_from(values: Mapping[str, Any] | None) -> Schedule:
    """A request's schedule; wrong parts are named by their path."""
    detail = (values or {}).get("schedule") or {}
    try:
        schedule = _schedule((values or {}).get("type", "manual"), detail)
        return schedule.within(detail.get("startsAt"), detail.get("endsAt"))
    except BadSchedule as wrong:
        path = _WIRE_FIELDS.get(wrong.field, wrong.field.replace("_", "."))
        raise Invalid.field(f"schedule.schedule.{path}", wrong.message) from wrong


def schedule_json(schedule: Schedule) -> dict[str, Any] | None:
    """The wire shape of a schedule; nothing for manual ones."""
    if schedule.kind is ScheduleKind.INTERVAL:
        interval = {"quantity": schedule.interval_count, "unit": schedule.interval_unit}
        return {"type": "interval", "schedule": {"interval": interval, **_window(schedule)}}
    if schedule.kind is ScheduleKind.CUSTOM:
        expressions = [_recurrence_json(each) for each in schedule.recurrences]
        detail = {"expressions": expressions, "timezone": schedule.zone, **_window(schedule)}
        return {"type": "visual_cron", "schedule": detail}
    if schedule.kind is ScheduleKind.CRON:
        return {"type": "cron", "schedule": {"expression": schedule.cron}}
    if schedule.after is not None:
        jobs = [{"id": job.id, "name": job.name} for job in schedule.after.jobs]
        return {"type": schedule.kind.value, "schedule": {"credentialId": schedule.after.credential, "jobs": jobs}}
    return None


def _schedule(kind: str, detail: Mapping[str, Any]) -> Schedule:
    match kind:
        case "interval":
            interval = detail.get("interval") or {}
            return Schedule.every(interval.get("quantity", 0), interval.get("unit", ""))
        case "visual_cron":
            return Schedule.on_days(map(_recurrence, detail.get("expressions", ())), detail.get("timezone", "UTC"))
        case "cron":
            return Schedule.by_cron(detail.get("expression", ""))
        case "dbt_cloud" | "fivetran":
            jobs = [UpstreamJob(job["id"], job.get("name") or job["id"]) for job in detail.get("jobs", ())]
            return Schedule.after_jobs(ScheduleKind(kind), detail.get("credentialId") or 0, jobs)
    return Schedule.manual()


def _recurrence(sent: Mapping[str, Any]) -> Recurrence:
    hour, minute = sent["time"].split(":")
    days = frozenset(number for number, name in enumerate(_DAYS) if sent["days"].get(name))
    return Recurrence(days, time(int(hour), int(minute)))


def _recurrence_json(recurrence: Recurrence) -> dict[str, Any]:
    days = {name: number in recurrence.days for number, name in enumerate(_DAYS)}
    return {"days": days, "time": f"{recurrence.at:%H:%M}"}


def _window(schedule: Schedule) -> dict[str, Any]:
    window = {"startsAt": schedule.starts_at, "endsAt": schedule.ends_at}
    return {name: moment for name, moment in window.items() if moment}
