"""Finds out whether an organization's audit log is what was written: the verdict, and the first thing that is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from governance.audit.chain import BEGINNING, Checkpoint, digest_of, link_of, signature_holds
from governance.audit.models import AuditChain, AuditEntry

_PAGE = 5_000
# Clocks of several machines differ, and transactions take a while; nothing honest is an hour out of order.
_DISORDER = timedelta(hours=1)
PURGED, REDACTED = "audit_log.purged", "audit_log.redacted"


class Kind(StrEnum):
    """What can be wrong."""

    CHANGED = "changed"
    MISSING = "missing"
    MOVED = "moved"
    PUT_IN = "put_in"
    CUT_OFF = "cut_off"
    BEGINNING = "beginning"
    SIGNATURE = "signature"
    CHECKPOINT = "checkpoint"


@dataclass(frozen=True, slots=True)
class Problem:
    """The first thing that does not fit, in words; ``entry_id`` where there is such an entry."""

    kind: Kind
    words: str
    sequence: int = 0
    entry_id: int | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a verification found. ``checkpoint`` is where the chain ends now, to be kept elsewhere."""

    organization_id: int
    problem: Problem | None
    checked: int = 0
    first: int = 0
    last: int = 0
    purged: int = 0
    redacted: int = 0
    waiting: int = 0
    notes: tuple[str, ...] = ()
    checkpoint: Checkpoint | None = None

    @property
    def ok(self) -> bool:
        """Whether everything fits."""
        return self.problem is None

    def to_json(self) -> dict[str, Any]:
        """As it is kept and shown."""
        problem = self.problem
        return {
            "ok": self.ok,
            "checked": self.checked,
            "first": self.first,
            "last": self.last,
            "purged": self.purged,
            "redacted": self.redacted,
            "waiting": self.waiting,
            "notes": list(self.notes),
            "checkpoint": str(self.checkpoint) if self.checkpoint else "",
            "problem": problem
            and {
                "kind": problem.kind.value,
                "words": problem.words,
                "sequence": problem.sequence,
                "entryId": problem.entry_id and str(problem.entry_id),
            },
        }


@dataclass(slots=True)
class _Walk:
    """Where the verification is, and what it knows."""

    sequence: int
    link: bytes
    latest: datetime | None = None
    checked: int = 0
    redacted: int = 0
    redactions: dict[int, list[tuple[str, str]]] = field(default_factory=dict)
    checkpoints: dict[int, bytes] = field(default_factory=dict)


class _Broken(Exception):
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.words)
        self.problem = problem


def verify_chain(
    organization_id: int,
    *,
    checkpoints: Sequence[Checkpoint] = (),
    progress: Callable[[int, int], None] | None = None,
) -> Verdict:
    """Verify a whole chain (0: that of entries without an organization), in its scope or unscoped.

    ``checkpoints`` were kept outside and must lie on the chain: they tell when its end was cut off and signed anew
    with a stolen key. ``progress`` is told (checked, of) every few thousand entries. Entries may be written,
    sealed and purged meanwhile. Takes memory for a page of entries and for what was redacted.
    """
    chain = AuditChain.objects.filter(organization_id=organization_id).first()
    entries = AuditEntry.objects.filter(organization_id=organization_id or None)
    if chain is None:
        sealed = entries.exclude(sequence=None).first()
        missing = Problem(Kind.SIGNATURE, "The record of where this log begins and ends is gone.")
        return Verdict(organization_id, missing if sealed else None, waiting=entries.filter(sequence=None).count())
    walk = _Walk(chain.start_sequence, bytes(chain.start_head), redactions=_redactions(organization_id))
    walk.checkpoints = {c.sequence: c.link for c in checkpoints}
    notes: list[str] = []
    problem = None
    try:
        notes += _check_head(chain)
        _check_beginning(chain)
        notes += _check_old_checkpoints(chain, checkpoints)
        _walk_along(chain, walk, progress)
        _check_end(chain, walk, checkpoints)
    except _Broken as broken:
        problem = broken.problem
    return Verdict(
        organization_id,
        problem,
        checked=walk.checked,
        first=chain.start_sequence + 1 if chain.sequence > chain.start_sequence else chain.start_sequence,
        last=chain.sequence,
        purged=chain.start_sequence,
        redacted=walk.redacted,
        waiting=entries.filter(sequence=None).count(),
        notes=tuple(notes),
        checkpoint=Checkpoint(chain.sequence, bytes(chain.head)) if problem is None and chain.sequence else None,
    )


def _check_head(chain: AuditChain) -> list[str]:
    if chain.sequence == 0 and bytes(chain.head) == BEGINNING and chain.start_sequence == 0:
        return []
    holds = signature_holds(chain)
    if holds is None:
        return ["The key that signed the end of the chain is no longer configured, so its signature was not checked."]
    if not holds:
        raise _Broken(Problem(Kind.SIGNATURE, "The record of where this log begins and ends was changed."))
    return []


def _check_beginning(chain: AuditChain) -> None:
    """What a purge left must be what its own entry in the chain says."""
    if chain.start_sequence == 0 and bytes(chain.start_head) == BEGINNING:
        return
    purges = AuditEntry.objects.filter(organization_id=chain.organization_id or None, event=PURGED)
    latest = purges.order_by("-pk").first()
    said = (latest.after or {}) if latest else {}
    if (said.get("through"), said.get("link")) != (chain.start_sequence, bytes(chain.start_head).hex()):
        words = f"The first {chain.start_sequence:,} entries are gone, and no purge by retention accounts for them."
        raise _Broken(Problem(Kind.BEGINNING, words, chain.start_sequence))


def _check_old_checkpoints(chain: AuditChain, checkpoints: Sequence[Checkpoint]) -> list[str]:
    notes = []
    for checkpoint in checkpoints:
        if checkpoint.sequence < chain.start_sequence:
            notes.append(f"Checkpoint {checkpoint.sequence:,} lies before what retention kept, so it says nothing now.")
        elif checkpoint.sequence == chain.start_sequence and checkpoint.link != bytes(chain.start_head):
            raise _Broken(_not_on_chain(checkpoint.sequence))
    return notes


def _walk_along(chain: AuditChain, walk: _Walk, progress: Callable[[int, int], None] | None) -> None:
    total = chain.sequence - chain.start_sequence
    for page in _pages(chain, walk):
        for entry in page:
            _check(entry, walk, chain)
        if progress:
            progress(walk.checked, total)


def _pages(chain: AuditChain, walk: _Walk) -> Iterator[list[AuditEntry]]:
    entries = AuditEntry.objects.filter(
        organization_id=chain.organization_id or None, sequence__lte=chain.sequence
    ).order_by("sequence")
    after = walk.sequence
    while page := list(entries.filter(sequence__gt=after)[:_PAGE]):
        yield page
        after = page[-1].sequence or 0


def _check(entry: AuditEntry, walk: _Walk, chain: AuditChain) -> None:
    expected = walk.sequence + 1
    sequence = entry.sequence or 0
    if sequence != expected and not _purged_meanwhile(chain, walk, sequence):
        raise _Broken(_gap(expected, sequence))
    digest = bytes(entry.digest or b"")
    place = (sequence, entry.pk, entry.at)
    if digest_of(entry, bytes(entry.salt or b"")) != _declared(entry, digest, walk):
        raise _Broken(Problem(Kind.CHANGED, f"Entry {entry.pk} does not say what it said when it was sealed.", *place))
    walk.link = link_of(walk.link, sequence, digest)
    if walk.link != bytes(entry.link or b""):
        words = f"Entry {entry.pk} does not follow the one before it: entries were put in, taken out or moved."
        raise _Broken(Problem(Kind.MOVED, words, *place))
    if walk.latest and entry.at < walk.latest - _DISORDER:
        words = f"Entry {entry.pk} claims to be older than the entries that were sealed before it."
        raise _Broken(Problem(Kind.PUT_IN, words, *place))
    walk.latest = max(walk.latest or entry.at, entry.at)
    if sequence in walk.checkpoints and walk.checkpoints[sequence] != walk.link:
        raise _Broken(_not_on_chain(sequence))
    walk.sequence, walk.checked = sequence, walk.checked + 1


def _purged_meanwhile(chain: AuditChain, walk: _Walk, sequence: int) -> bool:
    """Whether retention deleted what is missing while this went on; the walk then goes on behind it."""
    now = AuditChain.objects.get(pk=chain.pk)
    if now.start_sequence + 1 != sequence or now.start_sequence <= walk.sequence or signature_holds(now) is False:
        return False
    _check_beginning(now)
    walk.sequence, walk.link = now.start_sequence, bytes(now.start_head)
    return True


def _declared(entry: AuditEntry, digest: bytes, walk: _Walk) -> bytes:
    """The digest that the entry's content must have now: that of its latest declared redaction, if any."""
    current = digest.hex()
    for before, after in walk.redactions.get(entry.pk, ()):
        if before != current:
            return b""
        current = after
    walk.redacted += entry.pk in walk.redactions
    return bytes.fromhex(current)


def _check_end(chain: AuditChain, walk: _Walk, checkpoints: Sequence[Checkpoint]) -> None:
    if walk.sequence != chain.sequence or walk.link != bytes(chain.head):
        words = f"The log ends at entry {walk.sequence:,} of its chain, but {chain.sequence:,} were sealed."
        raise _Broken(Problem(Kind.CUT_OFF, words, walk.sequence))
    now = AuditChain.objects.get(pk=chain.pk)
    beyond = AuditEntry.objects.filter(organization_id=chain.organization_id or None, sequence__gt=now.sequence).first()
    if beyond is not None:
        words = f"Entry {beyond.pk} was put behind the end of the chain."
        raise _Broken(Problem(Kind.PUT_IN, words, beyond.sequence or 0, beyond.pk, beyond.at))
    furthest = max((c.sequence for c in checkpoints), default=0)
    if furthest > chain.sequence:
        words = f"Checkpoint {furthest:,} lies behind the end of the chain ({chain.sequence:,}): its end was cut off."
        raise _Broken(Problem(Kind.CUT_OFF, words, chain.sequence))


def _redactions(organization_id: int) -> dict[int, list[tuple[str, str]]]:
    found: dict[int, list[tuple[str, str]]] = {}
    rows = AuditEntry.objects.filter(organization_id=organization_id or None, event=REDACTED).order_by("pk")
    for after in rows.values_list("after", flat=True).iterator():
        for entry_id, (was, became) in ((after or {}).get("digests") or {}).items():
            found.setdefault(int(entry_id), []).append((was, became))
    return found


def _gap(expected: int, found: int) -> Problem:
    if found < expected:
        return Problem(Kind.PUT_IN, f"Two entries claim place {found:,} of the chain.", found)
    places = (
        f"Entry {expected:,} of the chain is"
        if found == expected + 1
        else (f"Entries {expected:,} to {found - 1:,} of the chain are")
    )
    return Problem(Kind.MISSING, f"{places} missing.", expected)


def _not_on_chain(sequence: int) -> Problem:
    return Problem(Kind.CHECKPOINT, f"Checkpoint {sequence:,} does not lie on this chain: it was rewritten.", sequence)
