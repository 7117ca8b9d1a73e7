"""The state machine of one trigger of one sync.

``level`` follows what is measured. ``announced`` is what people were told last; they are
told whenever the two differ and the trigger is not muted. So each change is told once,
a mute swallows what came and went under it, and what still holds when it ends is told then.
"""

from __future__ import annotations

from dataclasses import dataclass

from syncs.choices import AlertLevel, Subscription


@dataclass(frozen=True, slots=True)
class Measured:
    """A reading as a level. ``partial`` ones (a run that did not complete) can make things worse, never better."""

    level: AlertLevel
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a trigger is, and what was last said about it."""

    level: AlertLevel = AlertLevel.OK
    announced: AlertLevel = AlertLevel.OK


def after(standing: Standing, measured: Measured | None) -> Standing:
    """The standing once something was measured; no measurement leaves it."""
    if measured is None:
        return standing
    level = worst(standing.level, measured.level) if measured.partial else measured.level
    return Standing(level, standing.announced)


def announce(standing: Standing, *, muted: bool) -> tuple[Standing, AlertLevel | None]:
    """Say what changed: the standing afterwards, and the level people knew before, where there is news."""
    if muted or standing.level == standing.announced:
        return standing, None
    return Standing(standing.level, standing.level), standing.announced


def seen_by(subscription: Subscription, level: AlertLevel) -> AlertLevel:
    """A level as a recipient knows it: to those told of critical alerts only, a warning is no alert."""
    if subscription == Subscription.CRITICAL and level != AlertLevel.CRITICAL:
        return AlertLevel.OK
    return level


def worst(*levels: AlertLevel) -> AlertLevel:
    """The most severe of several levels."""
    return max(levels, key=lambda level: level.rank)
