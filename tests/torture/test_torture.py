"""A short torture in the suite; `make torture` is the long one."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from tests.torture.house import ROOT
from tests.torture.receiver import GIVEN_UP, READ, WAITING, Receiver, Table


@pytest.mark.parametrize("said", [READ, GIVEN_UP, WAITING])
@pytest.mark.parametrize("late", [False, True])
def test_the_receiver_judges_a_repeat_by_how_its_sender_took_the_request_before(said: str, late: bool) -> None:
    """However late a request that hung is carried out, it is not the one that came again."""
    with socket.socket(type=socket.SOCK_DGRAM) as words, socket.socket(type=socket.SOCK_DGRAM) as sender:
        words.bind(("127.0.0.1", 0))
        words.setblocking(False)
        receiver, table = Receiver(words), Table()
        first = receiver.arrived(table, ("7", "added"), [{"id": "k"}], "a")
        table.requests += 1
        if said != WAITING:
            sender.sendto(f"a {said}".encode(), words.getsockname())
        second = receiver.arrived(table, ("7", "added"), [{"id": "k"}], "b")
        sender.sendto(b"b read", words.getsockname())
        for arrivals in (second, first) if late else (first, second):
            receiver.note(table, arrivals)
    assert [repeat["before"] for repeat in table.repeats] == [said]


@pytest.mark.parametrize("said", [GIVEN_UP, READ])
def test_a_row_that_was_refused_in_between_is_judged_by_the_request_before(said: str) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as words, socket.socket(type=socket.SOCK_DGRAM) as sender:
        words.bind(("127.0.0.1", 0))
        words.setblocking(False)
        receiver, table = Receiver(words), Table()
        for request, answer in (("a", said), ("b", READ), ("c", READ)):
            table.requests += 1
            arrivals = receiver.arrived(table, ("7", "changed"), [{"id": "k"}], request)
            (receiver.refuse if request == "b" else receiver.note)(table, arrivals)
            sender.sendto(f"{request} {answer}".encode(), words.getsockname())
    assert [repeat["before"] for repeat in table.repeats] == [said]


@pytest.mark.services
@pytest.mark.timeout(900)  # the round's own limits come first, also on a busy machine
def test_nothing_is_lost_whatever_is_killed() -> None:
    command = [sys.executable, "-m", "tests.torture", "--rounds", "1", "--crashes", "2", "--seed", "3"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr[-8000:]
    assert "kills 2" in done.stdout
    assert "lost 0" in done.stdout
