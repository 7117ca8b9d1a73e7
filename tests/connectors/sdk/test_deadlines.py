"""Limits of many calls: each ends in its time, whoever began when, and nobody else's cancelling is taken for theirs."""

from __future__ import annotations

import asyncio

import pytest

from connectors.sdk.deadlines import Deadlines


async def test_only_what_lasts_too_long_is_ended() -> None:
    deadlines, never, ended = Deadlines(), asyncio.Event(), []

    async def call(name: str, seconds: float, *, hangs: bool) -> None:
        try:
            with deadlines.within(seconds):
                await (never.wait() if hangs else asyncio.sleep(0))
        except TimeoutError:
            ended.append(name)

    calls = [call("a", 0.02, hangs=True), call("b", 0.02, hangs=False), call("c", 0.01, hangs=True)]
    await asyncio.gather(*calls)
    assert sorted(ended) == ["a", "c"]
    await call("d", 0.01, hangs=True)  # the clock still runs after it had nothing to do
    assert ended[-1] == "d"


async def test_everything_can_be_made_to_end_sooner() -> None:
    deadlines, begun = Deadlines(), asyncio.Event()

    async def hang() -> None:
        with deadlines.within(3_600):
            begun.set()
            await asyncio.Event().wait()

    early = asyncio.create_task(hang())
    await begun.wait()
    deadlines.end_by(asyncio.get_running_loop().time())
    for call in (early, hang()):
        with pytest.raises(TimeoutError):
            await call


async def test_cancelling_from_outside_stays_what_it_is() -> None:
    deadlines, begun = Deadlines(), asyncio.Event()

    async def hang() -> None:
        with deadlines.within(3_600):
            begun.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(hang())
    await begun.wait()
    deadlines.end_by(asyncio.get_running_loop().time())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
