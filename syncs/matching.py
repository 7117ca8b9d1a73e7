"""What a worker does to learn whom a destination recognised."""

from __future__ import annotations

import asyncio
import logging
import math

from connectors.access import open_destination
from connectors.sdk.destination import Job, MatchStats
from connectors.sdk.errors import ConnectorError
from connectors.sdk.validation import assemble
from connectors.sdk.waiting import answered
from connectors.secrets import decrypt
from syncs.codec import load
from syncs.engine.spec import Failure
from syncs.models import MatchReport
from syncs.runspec import with_settings
from syncs.services import matches as services
from syncs.trial import without_secrets

logger = logging.getLogger(__name__)


def work(report_id: int) -> None:
    """Ask, unless that is done."""
    report = services.open_report(report_id)
    if report is None:
        return
    try:
        stats = _asked(report)
    except ConnectorError as error:
        failure = without_secrets(report.sync, Failure(code=error.code, message=error.message, hint=error.hint))
        services.keep_silence(report, failure.message, failure.hint)
    except Exception as error:
        logger.exception("asking for match report %s failed", report_id)
        services.keep_silence(report, f"An error of the kind {type(error).__name__} stopped it.", "")
    else:
        services.keep_matches(report, _sound(stats))


def _asked(report: MatchReport) -> MatchStats | None:
    sync = report.sync
    settings = assemble(sync.settings, decrypt(sync.sealed_settings))
    job = with_settings(load(Job, report.run.job), settings)
    return asyncio.run(answered(open_destination(sync.destination).match_stats(job)))


def _sound(stats: MatchStats | None) -> MatchStats | None:
    """What can be shown: no numbers below zero, and none that is no number."""
    if stats is None:
        return None
    matched = stats.matched if stats.matched is not None and stats.matched >= 0 else None
    rate = stats.rate if stats.rate is not None and math.isfinite(stats.rate) and stats.rate >= 0 else None
    return MatchStats(matched=matched, rate=rate, at=stats.at, status=stats.status, url=stats.url)
