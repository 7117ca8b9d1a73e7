"""What a worker does for a calculation: asks the source, as long as somebody waits for the answer."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from audiences.definitions import asker, given, schema_with_audiences
from audiences.models import Calculation
from audiences.query.errors import InvalidTree
from audiences.services import audiences as services
from config.errors import HeadraceError
from connectors.access import open_source
from connectors.sdk.errors import ConnectorError
from connectors.sdk.source import RowStream, Source
from workspaces.scoping import workspace_scope

logger = logging.getLogger(__name__)
LOOK_SECONDS = 0.5
LONGEST_SECONDS = 900.0


class GivenUp(Exception):
    """Nobody waits for the answer any more."""


def work(calculation_id: int) -> None:
    """Count, unless that is done, given up, or somebody else's."""
    calculation = services.begin_calculation(calculation_id)
    if calculation is None:
        return
    try:
        services.finish_calculation(calculation, counts_of(calculation))
    except GivenUp:
        logger.info("calculation %s was given up", calculation_id)
    except InvalidTree as error:
        services.fail_calculation(calculation, str(error), "Correct the condition, then calculate again.")
    except (ConnectorError, HeadraceError) as error:
        services.fail_calculation(calculation, error.message, error.hint)
    except Exception as error:
        logger.exception("calculation %s failed", calculation_id)
        services.fail_calculation(calculation, f"{type(error).__name__}: {error}", "")


def counts_of(calculation: Calculation) -> dict[str, Any]:
    """The members, all rows of the parent model, and how the conditions at the top narrow."""
    parent = calculation.parent_model
    ask = asker(schema_with_audiences(parent.source))
    audience = given(parent, calculation.definition, calculation.audience)
    source = open_source(parent.source)
    [members] = _one_row(source, ask.count(audience).sql(), calculation)
    funnel = _one_row(source, ask.funnel(audience).sql(), calculation)
    found = [int(count or 0) for count in funnel]
    return {"members": int(members), "total": found[0], "alone": found[1::2], "after": found[2::2]}


def _one_row(source: Source, sql: str, calculation: Calculation) -> list[Any]:
    with source.query(sql, batch_rows=1) as stream, _watched(stream, calculation):
        for batch in stream:
            if batch.num_rows:
                return list(batch.slice(0, 1).to_pylist()[0].values())
    raise ConnectorError("The source gave no row for a count.")


@contextmanager
def _watched(stream: RowStream, calculation: Calculation) -> Iterator[None]:
    """Stop the query once nobody waits for it, or when it takes too long."""
    done, stopped = threading.Event(), threading.Event()

    def watch() -> None:
        waited = 0.0
        try:
            with workspace_scope(calculation.workspace_id):
                while not done.wait(LOOK_SECONDS):
                    waited += LOOK_SECONDS
                    if waited > LONGEST_SECONDS or not services.wanted(calculation.pk):
                        stopped.set()
                        stream.cancel()
                        return
        finally:
            connection.close()

    watcher = threading.Thread(target=watch, name="calculation", daemon=True)
    watcher.start()
    try:
        yield
    except ConnectorError:
        if not stopped.is_set():
            raise
        if services.wanted(calculation.pk):
            minutes = LONGEST_SECONDS / 60
            raise ConnectorError(f"The count took longer than {minutes:.0f} minutes and was stopped.") from None
        raise GivenUp from None
    finally:
        done.set()
        watcher.join()
