"""What tests of connectors share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.proxy import RunningProxy, running_proxy


@pytest.fixture(scope="session")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningProxy]:
    """A real proxy program that wants a password."""
    with running_proxy(tmp_path_factory.mktemp("proxy")) as running:
        yield running
