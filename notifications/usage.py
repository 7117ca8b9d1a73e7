"""Who sends to a channel, told by the apps that do: each registers a function at start-up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

# Channel ids → for each, how many places send to it.
Counts = Callable[[Sequence[int]], Mapping[int, int]]

_counts: dict[str, Counts] = {}


def register(noun: str, counts: Counts) -> None:
    """Tell how many places of one kind ("sync or destination") use channels."""
    if noun in _counts:
        raise ValueError(f"the use of channels by {noun!r} is registered twice")
    _counts[noun] = counts


def uses_of(channel_ids: Sequence[int]) -> dict[int, int]:
    """How many places send to each channel: one query an app."""
    totals = dict.fromkeys(channel_ids, 0)
    for counts in _counts.values() if channel_ids else ():
        for channel_id, number in counts(channel_ids).items():
            totals[channel_id] += number
    return totals
