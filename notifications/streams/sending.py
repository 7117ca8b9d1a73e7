"""Carries sealed audit entries to where a stream leads, in the order of their chain, at least once."""

from __future__ import annotations

import logging
from datetime import datetime

from django.utils import timezone

from config.errors import HeadraceError
from config.queue import stopping
from connectors.sdk.errors import ConnectorError, RateLimited
from connectors.sdk.validation import assemble, with_defaults
from connectors.secrets import decrypt
from governance.audit.actors import Actor
from governance.audit.models import AuditEntry
from notifications.access import stream_for
from notifications.models import AuditStream
from notifications.services import streams
from notifications.streams.kinds import Batch, StreamKind, Values, stream_kind

logger = logging.getLogger(__name__)


def carry(stream_id: int) -> int:
    """Send what waits, batch by batch; how many entries arrived. Does nothing where somebody else is at it.

    The cursor moves after each batch: a worker that dies between sending and moving it is followed by one
    that sends that batch again.
    """
    held = streams.claim_stream(stream_id)
    if held is None:
        return 0
    stream, sent, until = held.stream, 0, None
    try:
        kind, values = stream_kind(stream.kind), settings_of(stream)
        while not stopping.is_set() and (entries := _following(stream, kind.most)):
            if until := _not_before(kind, values, entries):
                break
            batch = Batch(stream.pk, stream.organization_id, entries)
            kind.deliver(values, batch)
            if not streams.advance(held, batch.last, len(entries)):
                return sent
            stream.cursor, sent = batch.last, sent + len(entries)
    except (ConnectorError, HeadraceError) as error:
        after = error.after if isinstance(error, RateLimited) else None
        streams.put_stream_off(held, error.message, error.hint, after=after)
    except Exception as error:
        logger.exception("audit stream %s could not be carried on", stream_id)
        words = f"{type(error).__name__}: it could not be sent."
        streams.put_stream_off(held, words, "The worker's log has the details.", after=None)
    else:
        streams.release(held, until=until)
    return sent


def test_stream(*, actor: Actor, stream: AuditStream) -> AuditStream:
    """Send a test, or look whether files can be written, and remember what came of it."""
    stream = stream_for(actor, stream.pk)
    error, hint = "", ""
    try:
        stream_kind(stream.kind).check(settings_of(stream))
    except (ConnectorError, HeadraceError) as problem:
        error, hint = problem.message, problem.hint
    return streams.store_stream_test(actor=actor, stream=stream, error=error, hint=hint)


def settings_of(stream: AuditStream) -> Values:
    """The whole settings, credentials included: for sending, never for showing."""
    fields = stream_kind(stream.kind).fields()
    return assemble(with_defaults(fields, stream.config), decrypt(stream.secret_config))


def _following(stream: AuditStream, most: int) -> list[AuditEntry]:
    rows = AuditEntry.objects.filter(organization_id=stream.organization_id, sequence__gt=stream.cursor)
    return list(rows.order_by("sequence")[:most])


def _not_before(kind: StreamKind, values: Values, entries: list[AuditEntry]) -> datetime | None:
    """When few entries have waited long enough for more; nothing where they are to be sent now."""
    if len(entries) >= kind.most:
        return None
    due = entries[0].at + kind.waits(values)
    return due if due > timezone.now() else None
