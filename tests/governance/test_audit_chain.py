"""The chain of the audit log: everything that was done to it afterwards is told, and honest upkeep is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.db.utils import DatabaseError
from django.test import override_settings
from django.utils import timezone

from governance.audit.actors import Actor, ActorKind, system
from governance.audit.chain import Checkpoint, canonical, digest_of, link_of, sign
from governance.audit.models import AuditChain, AuditEntry
from governance.audit.services import (
    ERASED,
    purge_before,
    record_event,
    redact_values,
    seal_entries,
    seal_organization,
)
from governance.audit.verification import Kind, Verdict, verify_chain
from workspaces.scoping import unscoped

ORGANIZATION = 7_000_001
SOMEBODY = Actor(ActorKind.PERSON, 4, "kim@acme.test", user_id=4)


@pytest.fixture
def log(db: None) -> Iterator[None]:
    """Six sealed entries of one organization, seen from everywhere."""
    with unscoped("the tests look at a chain as its keeper does"):
        write(6)
        seal_entries()
        yield


def write(number: int, **values: object) -> list[AuditEntry]:
    """Entries that nobody's service left, as quickly as they can be made."""
    return AuditEntry.objects.bulk_create(
        AuditEntry(
            **{
                "organization_id": ORGANIZATION,
                "event": "group.updated",
                "actor_kind": "person",
                "actor_label": "kim@acme.test",
                "resource_type": "group",
                "resource_label": f"Group {n}",
                "before": {"name": "Läufer", "size": 1.5},
                "after": {"name": f"Group {n}", "size": 2**70, "row_key": n},
                "correlation_id": "c" * 32,
                **values,
            }
        )
        for n in range(number)
    )


def tamper(statement: str, *values: int | bytes) -> None:
    """What somebody with the database's owner role may do, past the trigger."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_auditentry DISABLE TRIGGER audit_keep")
        cursor.execute(statement, values)
        cursor.execute("ALTER TABLE audit_auditentry ENABLE TRIGGER audit_keep")


def verdict(**options: object) -> Verdict:
    return verify_chain(ORGANIZATION, **options)  # type: ignore[arg-type]


def entry(sequence: int) -> AuditEntry:
    return AuditEntry.objects.get(organization_id=ORGANIZATION, sequence=sequence)


# --- what fits ---


def test_what_was_written_verifies_and_a_later_batch_follows(log: None) -> None:
    first = verdict()
    assert (first.ok, first.checked, first.first, first.last, first.waiting) == (True, 6, 1, 6, 0)
    write(3)
    waiting = verdict()
    assert (waiting.ok, waiting.checked, waiting.waiting) == (True, 6, 3)
    seal_entries()
    assert first.checkpoint is not None
    later = verdict(checkpoints=[first.checkpoint])
    assert (later.ok, later.checked, later.last) == (True, 9, 9)


def test_entries_of_no_organization_have_a_chain_of_their_own(log: None) -> None:
    write(2, organization_id=None)
    seal_entries()
    found = verify_chain(0)
    assert found.ok
    assert found.checked >= 2
    assert verdict().checked == 6


def test_the_recipe_is_what_is_written_down(log: None) -> None:
    """Whoever holds an export can compute the chain without this program."""
    second, third = entry(2), entry(3)
    assert third.salt is not None
    assert third.digest is not None
    digest = digest_of(third, bytes(third.salt))
    assert digest == bytes(third.digest)
    assert second.link is not None
    assert link_of(bytes(second.link), 3, digest) == bytes(third.link or b"")
    assert canonical({"b": 1.0, "a": ["ä", None]}) == '{"a":["ä",null],"b":1}'.encode()
    assert canonical({"n": 2**60}) == b'{"n":"1152921504606846976"}'


def test_checkpoints_are_read_as_they_are_shown() -> None:
    shown = Checkpoint(12, bytes(range(32)))
    assert Checkpoint.parse(f" {shown} ") == shown
    for wrong in ("", "12", "12:abc", "x:" + "0" * 64, "1:" + "g" * 64, "٣:" + "0" * 64, "9" * 30 + ":" + "0" * 64):
        with pytest.raises(ValueError, match=r"checkpoint|hex"):
            Checkpoint.parse(wrong)


# --- what the database itself refuses ---


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_auditentry SET actor_label = 'x' WHERE sequence = 3",
        "UPDATE audit_auditentry SET sequence = 99 WHERE sequence = 3",
        "UPDATE audit_auditentry SET sequence = NULL WHERE sequence = 3",
        "UPDATE audit_auditentry SET sequence = 7, after = '{}' WHERE sequence IS NULL",
        "SET LOCAL headrace.redaction = 'on'; UPDATE audit_auditentry SET actor_label = 'x' WHERE sequence = 3",
        "SET LOCAL headrace.redaction = 'on'; UPDATE audit_auditentry SET digest = 'x' WHERE sequence = 3",
        "DELETE FROM audit_auditentry WHERE sequence = 3",
    ],
)
def test_the_database_keeps_entries(log: None, statement: str) -> None:
    write(1)
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


# --- what does not fit ---

Hand = Callable[[], None]


def _at(sequence: int, statement: str) -> Hand:
    return lambda: tamper(f"{statement} WHERE organization_id = {ORGANIZATION} AND sequence = {sequence}")


def _swap() -> None:
    tamper(
        "UPDATE audit_auditentry AS a SET before = b.before, after = b.after, resource_label = b.resource_label, "
        "salt = b.salt, digest = b.digest FROM audit_auditentry AS b "
        f"WHERE a.organization_id = {ORGANIZATION} AND b.organization_id = {ORGANIZATION} "
        "AND (a.sequence, b.sequence) IN ((3, 4), (4, 3))"
    )


def _renumber() -> None:
    """Take one out and close the gap."""
    _at(3, "DELETE FROM audit_auditentry")()
    for sequence in (4, 5, 6):  # one by one, as each place is taken once
        _at(sequence, f"UPDATE audit_auditentry SET sequence = {sequence - 1}")()


def _change_and_reseal_it() -> None:
    """Change an entry and give it a digest that fits."""
    tamper(f"UPDATE audit_auditentry SET actor_label = 'x' WHERE organization_id = {ORGANIZATION} AND sequence = 3")
    changed = entry(3)
    assert changed.salt is not None
    tamper("UPDATE audit_auditentry SET digest = %s WHERE id = %s", digest_of(changed, bytes(changed.salt)), changed.pk)


def _put_in() -> None:
    """A copy of an entry behind the end."""
    tamper(
        "INSERT INTO audit_auditentry (organization_id, at, event, actor_kind, actor_label, resource_type, "
        "resource_label, correlation_id, sequence, salt, digest, link) SELECT organization_id, at, event, actor_kind, "
        "actor_label, resource_type, resource_label, correlation_id, 7, salt, digest, link FROM audit_auditentry "
        f"WHERE organization_id = {ORGANIZATION} AND sequence = 6"
    )


def _backdate() -> None:
    """A new entry that pretends to be old."""
    write(1)
    tamper(
        "UPDATE audit_auditentry SET at = at - interval '1 day' WHERE sequence IS NULL AND organization_id = %s",
        ORGANIZATION,
    )
    seal_entries()


def _cut_off_and_set_back() -> None:
    """Remove the end, and set the head back to where it then ends; the signature cannot be made."""
    last = entry(4)
    tamper(f"DELETE FROM audit_auditentry WHERE organization_id = {ORGANIZATION} AND sequence > 4")
    AuditChain.objects.filter(organization_id=ORGANIZATION).update(sequence=4, head=last.link)


def _cut_beginning() -> None:
    """Remove the beginning as a purge would, signature and all, without its entry."""
    last = entry(2)
    tamper(f"DELETE FROM audit_auditentry WHERE organization_id = {ORGANIZATION} AND sequence < 3")
    chain = AuditChain.objects.get(organization_id=ORGANIZATION)
    chain.start_sequence, chain.start_head = 2, bytes(last.link or b"")
    sign(chain)
    chain.save()


def _forget_head() -> None:
    AuditChain.objects.filter(organization_id=ORGANIZATION).delete()


HANDS: dict[str, tuple[Hand, Kind, int]] = {
    "a value changed": (_at(3, """UPDATE audit_auditentry SET after = '{"name": "Other"}'"""), Kind.CHANGED, 3),
    "an actor changed": (_at(2, "UPDATE audit_auditentry SET actor_label = 'x'"), Kind.CHANGED, 2),
    "a time changed": (_at(2, "UPDATE audit_auditentry SET at = at + interval '1 ms'"), Kind.CHANGED, 2),
    "changed with its digest": (_change_and_reseal_it, Kind.MOVED, 3),
    "one deleted": (_at(4, "DELETE FROM audit_auditentry"), Kind.MISSING, 4),
    "the first deleted": (_at(1, "DELETE FROM audit_auditentry"), Kind.MISSING, 1),
    "deleted and closed up": (_renumber, Kind.MOVED, 3),
    "contents exchanged": (_swap, Kind.CHANGED, 3),
    "put in behind the end": (_put_in, Kind.PUT_IN, 7),
    "put in with an old time": (_backdate, Kind.PUT_IN, 7),
    "the end deleted": (_at(6, "DELETE FROM audit_auditentry"), Kind.CUT_OFF, 5),
    "the end deleted, head set back": (_cut_off_and_set_back, Kind.SIGNATURE, 0),
    "the beginning deleted": (_cut_beginning, Kind.BEGINNING, 2),
    "the head deleted": (_forget_head, Kind.SIGNATURE, 0),
}


@pytest.mark.parametrize("name", HANDS)
def test_every_kind_of_tampering_is_told_with_its_place(log: None, name: str) -> None:
    hand, kind, sequence = HANDS[name]
    hand()
    problem = verdict().problem
    assert problem is not None
    assert (problem.kind, problem.sequence) == (kind, sequence), problem.words


def test_a_chain_rewritten_with_a_stolen_key_fails_against_a_checkpoint_kept_outside(log: None) -> None:
    kept = verdict().checkpoint
    assert kept is not None
    last = entry(4)
    tamper(f"DELETE FROM audit_auditentry WHERE organization_id = {ORGANIZATION} AND sequence > 4")
    chain = AuditChain.objects.get(organization_id=ORGANIZATION)
    chain.sequence, chain.head = 4, bytes(last.link or b"")
    sign(chain)
    chain.save()
    assert verdict().ok, "nothing inside tells"
    cut = verdict(checkpoints=[kept]).problem
    assert cut is not None
    assert cut.kind is Kind.CUT_OFF
    write(2)
    seal_entries()
    rewritten = verdict(checkpoints=[kept]).problem
    assert rewritten is not None
    assert (rewritten.kind, rewritten.sequence) == (Kind.CHECKPOINT, 6)


def test_a_signature_of_a_key_that_is_gone_is_told_and_no_alarm(log: None) -> None:
    with override_settings(SECRET_KEYS=["another key altogether"]):
        found = verdict()
        assert found.ok
        assert "no longer configured" in found.notes[0]
    with override_settings(SECRET_KEYS=["a newer key", *settings.SECRET_KEYS]):
        assert verdict().notes == ()
        write(1)
        seal_entries()
    with override_settings(SECRET_KEYS=["a newer key"]):
        assert (verdict().ok, verdict().notes) == (True, ())


# --- retention ---


def _purge(before: object) -> object:
    """As the service of retention does: the deletion and its entry in one transaction."""
    with transaction.atomic():
        purged = purge_before(ORGANIZATION, before, limit=3)  # type: ignore[arg-type]
        if purged is not None:
            said = {"through": purged.checkpoint.sequence, "link": purged.checkpoint.link.hex()}
            write(1, event="audit_log.purged", after=said)
    return purged


def test_what_retention_leaves_still_verifies(log: None) -> None:
    kept = Checkpoint(2, bytes(entry(2).link or b""))
    assert _purge(timezone.now() - timedelta(days=1)) is None
    now = timezone.now()
    purged = _purge(now)
    assert purged is not None
    found = verdict(checkpoints=[kept])
    assert (found.ok, found.checked, found.first, found.purged) == (True, 3, 4, 3)
    assert "before what retention kept" in found.notes[0]
    _purge(now)
    seal_entries()
    assert (verdict().ok, verdict().purged, verdict().checked) == (True, 6, 2)
    forged = verdict(checkpoints=[Checkpoint(6, bytes(32))]).problem
    assert forged is not None
    assert forged.kind is Kind.CHECKPOINT


def test_a_young_entry_keeps_what_follows_it(log: None) -> None:
    tamper(
        "UPDATE audit_auditentry SET at = at - interval '2 days' WHERE organization_id = %s AND sequence IN (1, 3)",
        ORGANIZATION,
    )
    purged = _purge(timezone.now() - timedelta(days=1))
    assert purged is not None
    assert [e.sequence for e in AuditEntry.objects.filter(organization_id=ORGANIZATION).order_by("sequence")][:2] == [
        2,
        3,
    ]


# --- erasing a person ---


def test_a_persons_values_are_erased_and_the_chain_still_verifies(log: None) -> None:
    write(
        2,
        resource_label="Row of Ada@Example.com",
        before={"filter": {"email": ["x", "ada@example.com"]}, "key": "42", "limit": 42},
        after={"sql": 'where mail = "ADA@example.COM" or 1', "row_key": 42, "ada@example.com": True},
    )
    seal_organization(ORGANIZATION)
    write(1, after={"mail": "ada@example.com"})
    done = redact_values(
        actor=SOMEBODY, organization_id=ORGANIZATION, texts=["ada@example.com"], row_keys=["42"], reason="Ticket 9"
    )
    assert done.entries == 3
    erased = entry(7)
    assert erased.resource_label == f"Row of {ERASED}"
    assert erased.before == {"filter": {"email": ["x", ERASED]}, "key": ERASED, "limit": 42}
    assert erased.after == {"sql": f'where mail = "{ERASED}" or 1', "row_key": ERASED, ERASED: True}
    seal_entries()
    found = verdict()
    assert (found.ok, found.redacted, found.checked) == (True, 2, 10)
    declared = AuditEntry.objects.get(organization_id=ORGANIZATION, event="audit_log.redacted")
    said = declared.after or {}
    assert (declared.actor_label, said["entries"], said["reason"]) == ("kim@acme.test", 3, "Ticket 9")
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM audit_auditentry WHERE words @@ to_tsquery('simple', 'ada')")
        assert cursor.fetchone() == (0,)


def test_erasing_twice_and_more_verifies_and_changes_nothing_more(log: None) -> None:
    write(1, after={"a": "ada@example.com", "b": "bob@example.com"})
    seal_entries()
    for text, expected in (("ada@example.com", 1), ("ada@example.com", 0), ("bob@example.com", 1), ("abc", 0)):
        done = redact_values(actor=SOMEBODY, organization_id=ORGANIZATION, texts=[text])
        assert done.entries == expected
    seal_entries()
    assert (verdict().ok, verdict().redacted) == (True, 1)
    tamper("UPDATE audit_auditentry SET after = '{}' WHERE organization_id = %s AND sequence = 7", ORGANIZATION)
    problem = verdict().problem
    assert problem is not None
    assert (problem.kind, problem.sequence) == (Kind.CHANGED, 7), "a redaction is no licence for later changes"


def test_bare_keys_and_other_organizations_stay(log: None) -> None:
    write(1, organization_id=ORGANIZATION + 1, after={"row_key": "3", "mail": "ada@example.com"})
    done = redact_values(actor=SOMEBODY, organization_id=ORGANIZATION, texts=["ada@example.com"], row_keys=["3"])
    assert done.entries == 1, "the one whose row_key is 3"
    other = AuditEntry.objects.get(organization_id=ORGANIZATION + 1)
    assert other.after == {"row_key": "3", "mail": "ada@example.com"}


# --- many at once ---


@pytest.mark.django_db(transaction=True)
def test_entries_of_many_writers_and_sealers_make_one_chain() -> None:
    from concurrent.futures import ThreadPoolExecutor

    from django.db import close_old_connections

    def work(number: int) -> None:
        with unscoped("the test writes as many people at once"):
            for _ in range(10):
                with transaction.atomic():
                    write(2, resource_label=f"of writer {number}")
                seal_organization(ORGANIZATION, limit=7)
        close_old_connections()
        connection.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    with unscoped("the test looks at the chain"):
        seal_entries()
        found = verdict()
        assert (found.ok, found.checked, found.last, found.waiting) == (True, 120, 120, 0)


# --- what was seen or refused ---


def test_a_repeated_view_leaves_one_entry_and_a_scan_leaves_few(db: None) -> None:
    with unscoped("the test writes entries of no organization in particular"):
        actor = system(f"scan {timezone.now().isoformat()}")
        made = [
            record_event("access.denied", actor=actor, organization_id=ORGANIZATION, label=f"page {n % 100}")
            for n in range(300)
        ]
        kept = [one for one in made if one is not None]
        assert 55 <= len(kept) <= 60
        assert kept[-1].after == {"more_left_out_for_minutes": 10}
        twice = [
            record_event("access.denied", actor=SOMEBODY, organization_id=ORGANIZATION, label=str(actor), once=once)
            for once in (False, False)
        ]
        assert None not in twice
