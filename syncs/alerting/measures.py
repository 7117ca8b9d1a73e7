"""What the triggers read: counts and times of a sync's runs, the same numbers that pages show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import BooleanField, ExpressionWrapper, F, Q, QuerySet, Sum

from connectors.models import OAuthToken
from syncs.alerting.triggers import Rule, window_words
from syncs.areas import area_of
from syncs.choices import RunStatus, Trigger, TriggerKind
from syncs.holds import hold_of
from syncs.models import Run, Sync
from workspaces.areas import off_here

COMPLETE = frozenset({RunStatus.SUCCEEDED, RunStatus.WARNING})
_SKIPPED = 20  # cancelled and resumed runs that may lie between failed ones


@dataclass(frozen=True, slots=True)
class Measure:
    """A value (``None`` where nothing is wrong), what it means in a sentence, and the run it is of.

    ``partial`` as in the state machine.
    """

    value: float | None
    summary: str
    run: Run | None = None
    partial: bool = False


@dataclass(frozen=True, slots=True)
class History:
    """A sync's latest ended runs, newest first, and the one that is going on."""

    sync: Sync
    ended: tuple[Run, ...]
    live: Run | None
    now: datetime

    @property
    def latest(self) -> Run | None:
        """The run that ended last."""
        return self.ended[0] if self.ended else None


def history_of(sync: Sync, rules: Mapping[TriggerKind, Rule], now: datetime) -> History:
    """What measuring needs: one statement, or two while a run is going on."""
    fatal = rules[TriggerKind.FATAL]
    streak = int(max(fatal.warning or 1, fatal.critical or 1))
    runs = _narrow(Run.objects.filter(sync=sync))
    ended = tuple(runs.filter(finished_at__isnull=False).order_by("-pk")[: streak + _SKIPPED])
    live = runs.filter(finished_at__isnull=True).first()
    return History(sync, ended, live, now)


def measure(kind: TriggerKind, rule: Rule, history: History) -> list[Measure]:
    """What a trigger reads now; nothing where there is nothing to read. The worst of several counts."""
    match kind:
        case TriggerKind.FATAL:
            return _failures(history)
        case TriggerKind.REJECTED:
            return _rejections(rule, history)
        case TriggerKind.MODEL_SIZE:
            return _model_size(history)
        case TriggerKind.DURATION:
            return _durations(history)
        case TriggerKind.THROUGHPUT:
            return _delivered(rule, history)
        case TriggerKind.HELD:
            return _held(history)
        case TriggerKind.CONSENT:
            return _consents(history)


def counted_as_failed(run: Run) -> bool | None:
    """Whether a run that ended counts as failed; ``None`` for one that says nothing.

    A run that was cut off is resumed by itself, so only a resumption that is cut off too is a failure.
    """
    if run.status in COMPLETE:
        return False
    if run.status == RunStatus.FAILED or (run.status == RunStatus.INTERRUPTED and run.trigger == Trigger.RETRY):
        return True
    return None


def streak_of(ended: Iterable[Run]) -> list[Run]:
    """The failed runs since the last one that finished, newest first."""
    failed: list[Run] = []
    for run in ended:
        counted = counted_as_failed(run)
        if counted is False:
            break
        if counted:
            failed.append(run)
    return failed


def _failures(history: History) -> list[Measure]:
    if history.latest is None:
        return []
    failed = streak_of(history.ended)
    if not failed:
        return [Measure(0, _completed(history), history.latest)]
    count = len(failed)
    summary = f"Run {failed[0].number} failed" if count == 1 else f"{count} runs in a row failed"
    since = f"{failed[-1].created_at:%-d %b %Y, %H:%M} UTC"
    told = f"{summary}. What changed in the model since {since} has not reached {history.sync.destination.name}."
    return [Measure(count, told, failed[0])]


def _rejections(rule: Rule, history: History) -> list[Measure]:
    run = history.latest
    if run is None or (run.status not in COMPLETE and not run.known):  # type: ignore[attr-defined]
        return []
    rejected = run.rejected + run.duplicates
    share = 100 * rejected / run.queried if run.queried else (100.0 if rejected else 0.0)
    of = f"{rejected:,} of {run.queried:,} rows ({share:.2g} %)" if run.queried else f"{rejected:,} rows"
    verb = "was" if rejected == 1 else "were"
    return [
        Measure(
            share if rule.percent else rejected,
            f"{of} {verb} rejected in run {run.number}.",
            run,
            partial=run.status not in COMPLETE,
        )
    ]


def _model_size(history: History) -> list[Measure]:
    run = history.latest
    if run is None or not run.known:  # type: ignore[attr-defined]
        return []
    return [Measure(run.queried, f"The model returned {run.queried:,} rows in run {run.number}.", run)]


def _durations(history: History) -> list[Measure]:
    found: list[Measure] = []
    last = next((run for run in history.ended if run.status != RunStatus.CANCELLED), None)
    if last is not None and last.finished_at is not None:
        took = last.finished_at - last.created_at - _waited_for_people(last, history.now)
        found.append(Measure(_minutes(took), f"Run {last.number} took {span_words(took)}.", last))
    if history.live is not None:
        so_far = history.now - history.live.created_at - _waited_for_people(history.live, history.now)
        words = f"Run {history.live.number} has been going for {span_words(so_far)} and has not ended."
        found.append(Measure(_minutes(so_far), words, history.live))
    return found


def _delivered(rule: Rule, history: History) -> list[Measure]:
    sync, since = history.sync, history.now - timedelta(hours=rule.window_hours)
    runs = Run.objects.filter(Q(finished_at__gte=since) | Q(finished_at__isnull=True), sync=sync)
    total = F("succeeded_added") + F("succeeded_changed") + F("succeeded_removed")
    rows = runs.aggregate(rows=Sum(total))["rows"] or 0
    # A sync that is younger than the time, or that people paused or switched off with its area, owes nothing yet.
    if sync.paused or area_of(sync.model) in off_here() or sync.created_at > since:
        threshold = max(rule.warning or 0, rule.critical or 0)
        rows = max(rows, int(threshold))
    words = f"{rows:,} {'row was' if rows == 1 else 'rows were'} delivered in {window_words(rule.window_hours)}."
    return [Measure(rows, words, history.live or history.latest)]


def _held(history: History) -> list[Measure]:
    run = history.live or history.latest
    hold = hold_of(run) if run else None
    if run is None or hold is None:
        return [Measure(None, "No run is held.", run)]
    if hold.decision is not None:
        return [Measure(None, f"Run {run.number} was {hold.decision.choice} by {hold.decision.by}.", run)]
    words = f"Run {run.number} is held, and nothing of it has been sent. {hold.words}"
    return [Measure(_minutes(history.now - hold.since), words, run)]


def _consents(history: History) -> list[Measure]:
    """Sign-ins that a service no longer honours, at either side of the sync."""
    sync = history.sync
    sides = Q(destination=sync.destination_id) | Q(source__models=sync.model_id)
    refused = OAuthToken.objects.filter(sides, refused_at__isnull=False).select_related("source", "destination")
    token = refused.order_by("refused_at").first()
    if token is None or token.refused_at is None:
        return [Measure(None, "The sign-ins of both sides are honoured.")]
    words = f"{token.source or token.destination} no longer honours the sign-in. Somebody has to connect it again."
    return [Measure(_minutes(history.now - token.refused_at), words)]


def _waited_for_people(run: Run, now: datetime) -> timedelta:
    """How long a run was or is held: time that is nobody's slowness but ours to decide."""
    hold = hold_of(run)
    if hold is None:
        return timedelta(0)
    return (hold.decision.at if hold.decision else now) - hold.since


def _completed(history: History) -> str:
    run = next((run for run in history.ended if run.status in COMPLETE), None)
    if run is None:
        return "No run has failed since."
    return f"Run {run.number} completed and delivered {run.succeeded:,} rows."


def span_words(span: timedelta) -> str:
    """A length of time for a sentence: 45 seconds, 12 minutes, 2 h 5 min, 3 days."""
    seconds = int(span.total_seconds())
    if seconds < 120:
        return f"{seconds} seconds"
    if seconds < 2 * 3600:
        return f"{seconds // 60} minutes"
    if seconds < 48 * 3600:
        return f"{seconds // 3600} h {seconds // 60 % 60} min"
    return f"{seconds // 86400} days"


def _minutes(span: timedelta) -> float:
    return span.total_seconds() / 60


def _narrow(runs: QuerySet[Run]) -> QuerySet[Run]:
    """Without a run's large columns; ``known`` says that its query was read to the end."""
    known = ExpressionWrapper(Q(prepared__isnull=False), output_field=BooleanField())
    return runs.defer("spec", "job", "prepared", "timings").annotate(known=known)
