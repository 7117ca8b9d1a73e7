"""Evidence for an auditor as one archive: what was found, who decided, who looked, and proof that the log is whole.

Audit entries stand in their canonical form, one a line, so that their digests can be
checked with nothing but SHA-256; ``verify.py`` in the archive does it.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from importlib.resources import files
from typing import IO, Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from config.errors import NotFound
from governance.audit.actors import Actor
from governance.audit.chain import BEGINNING, Checkpoint, canonical, content_of
from governance.audit.models import AuditChain, AuditEntry
from governance.audit.services import seal_organization
from governance.audit.verification import REDACTED
from governance.privacy.access import require_privacy
from governance.privacy.findings import counts_of, entries_about, shown_findings, split_entries
from governance.privacy.models import PersonCase
from governance.privacy.registry import holders
from governance.privacy.services.evidence import record_evidence_export
from governance.selectors import sentence
from workspaces.models import Workspace

MEMORY = 8 * 1024 * 1024
MOST_ENTRIES = 5_000
# Beyond this the way to the head of the chain is left to the product's own verification.
MOST_LINKS = 200_000
ENTRY_COLUMNS = ("at", "who", "what", "type", "id", "name", "correlation")
PROOF_COLUMNS = ("line", "sequence", "salt", "digest", "link_before", "link")


def case_evidence(actor: Actor, case: PersonCase) -> IO[bytes]:
    """Everything about one case, values masked as on its page; recorded before it leaves."""
    require_privacy(actor)
    findings = shown_findings(actor, case)
    own = Q(resource_type="person", resource_id=case.pk, workspace_id=case.workspace_id)
    entries = (entries_about(case) | AuditEntry.objects.filter(own)).distinct()
    record_evidence_export(actor=actor, about=case, contents={"entries": entries.count(), **counts_of(findings)})
    decisions, views = split_entries(entries_about(case)) if findings else ([], [])
    archive = _Archive(actor, case.workspace, f"Person, case {case.pk}")
    archive.add_json("case.json", {**_case_facts(case), "findings": findings})
    archive.add_rows("decisions.csv", ENTRY_COLUMNS, map(_entry_row, decisions))
    archive.add_rows("views.csv", ENTRY_COLUMNS, map(_entry_row, views))
    archive.add_rows("runs.csv", SENT_COLUMNS, _sent_rows(findings))
    if case.report is not None:
        archive.add_json("erasure.json", case.report)
    return archive.finish(entries)


def resource_evidence(actor: Actor, workspace: Workspace, kind: str, pk: int) -> IO[bytes]:
    """Everything about one thing of a workspace: its entries and what its app remembers of it."""
    require_privacy(actor)
    entries = AuditEntry.objects.filter(workspace_id=workspace.pk, resource_type=kind, resource_id=pk)
    newest = entries.order_by("-id").first()
    if newest is None:
        raise NotFound("The audit log knows no such thing in this workspace.")
    record_evidence_export(actor=actor, about=workspace, contents={"type": kind, "id": pk, "entries": entries.count()})
    archive = _Archive(actor, workspace, f"{kind} {pk}: {newest.resource_label}")
    archive.add_rows("history.csv", ENTRY_COLUMNS, map(_entry_row, entries.order_by("id")[:MOST_ENTRIES]))
    for holder in holders().values():
        for name, columns, rows in holder.records(kind, pk):
            archive.add_rows(name, columns, rows)
    return archive.finish(entries)


SENT_COLUMNS = ("sync", "run", "at", "started_by", "key", "operation", "result", "message", "requests")


class _Archive:
    """Writes files into a zip and keeps their sums for the manifest."""

    def __init__(self, actor: Actor, workspace: Workspace, about: str) -> None:
        self._file = tempfile.SpooledTemporaryFile(MEMORY)  # noqa: SIM115 - handed to the response, which closes it
        self._zip = zipfile.ZipFile(self._file, "w", zipfile.ZIP_DEFLATED)
        self._workspace = workspace
        self._sums: dict[str, str] = {}
        self._facts = {
            "about": about,
            "workspace": workspace.name,
            "organization": workspace.organization.name,
            "made_at": timezone.now().isoformat(),
            "made_by": actor.label,
        }

    def add(self, name: str, chunks: Iterable[bytes]) -> None:
        """A file, written as it comes."""
        total = hashlib.sha256()
        with self._zip.open(name, "w") as target:
            for chunk in chunks:
                total.update(chunk)
                target.write(chunk)
        self._sums[name] = total.hexdigest()

    def add_json(self, name: str, value: Any) -> None:
        """A document."""
        self.add(name, [json.dumps(value, indent=2, ensure_ascii=False, default=str).encode()])

    def add_rows(self, name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """A table."""
        self.add(name, _csv(columns, rows))

    def finish(self, entries: QuerySet[AuditEntry]) -> IO[bytes]:
        """The audit entries with their proof, how to check it, and the manifest."""
        seal_organization(self._workspace.organization_id)
        found = list(entries.order_by("id")[:MOST_ENTRIES])
        known = {entry.pk for entry in found}
        found += [entry for entry in self._redactions(known) if entry.pk not in known]
        self.add("audit/entries.jsonl", (canonical(content_of(entry)) + b"\n" for entry in found))
        self.add_rows("audit/proof.csv", PROOF_COLUMNS, self._proof(found))
        sealed = [entry.sequence for entry in found if entry.sequence is not None]
        chain = AuditChain.objects.filter(organization_id=self._workspace.organization_id).first()
        complete = bool(sealed and chain and chain.sequence - min(sealed) <= MOST_LINKS)
        if complete:
            self.add_rows("audit/chain.csv", ("sequence", "digest", "link"), self._chain(min(sealed)))
        here = files("governance.privacy") / "evidence_files"
        self.add("verify.py", [(here / "verify.py").read_bytes()])
        self.add("README.txt", [(here / "README.txt").read_bytes()])
        manifest = {
            **self._facts,
            "entries": len(found),
            "entries_left_out": max(0, entries.count() - len(found)),
            "chain_to_head": complete,
            "checkpoint": str(Checkpoint(chain.sequence, bytes(chain.head))) if chain else "",
            "sha256": self._sums,
        }
        self._zip.writestr("manifest.json", json.dumps(manifest, indent=2, ensure_ascii=False))
        self._zip.close()
        self._file.seek(0)
        return self._file

    def _redactions(self, ids: set[int]) -> QuerySet[AuditEntry]:
        """Entries that declare what was erased from these: without them they would look changed."""
        return AuditEntry.objects.filter(
            organization_id=self._workspace.organization_id,
            event=REDACTED,
            after__digests__has_any_keys=[str(pk) for pk in ids],
        ).order_by("id")

    def _proof(self, found: Sequence[AuditEntry]) -> Iterator[Sequence[Any]]:
        """One line an entry; the digest is what its link is over, also where values were erased since."""
        before = self._links_before([entry.sequence for entry in found if entry.sequence])
        for number, entry in enumerate(found, 1):
            if entry.sequence is None:
                yield number, "", "", "", "", ""
                continue
            values = (entry.salt, entry.digest)
            yield (
                number,
                entry.sequence,
                *(bytes(value or b"").hex() for value in values),
                before.get(entry.sequence - 1, BEGINNING if entry.sequence == 1 else b"").hex(),
                bytes(entry.link or b"").hex(),
            )

    def _links_before(self, sequences: Sequence[int]) -> dict[int, bytes]:
        rows = AuditEntry.objects.filter(
            organization_id=self._workspace.organization_id, sequence__in=[number - 1 for number in sequences]
        )
        return {number or 0: bytes(link or b"") for number, link in rows.values_list("sequence", "link")}

    def _chain(self, first: int) -> Iterator[Sequence[Any]]:
        rows = AuditEntry.objects.filter(organization_id=self._workspace.organization_id, sequence__gte=first)
        for number, digest, link in rows.order_by("sequence").values_list("sequence", "digest", "link").iterator():
            yield number, bytes(digest or b"").hex(), bytes(link or b"").hex()


def _case_facts(case: PersonCase) -> dict[str, Any]:
    return {
        "case": case.pk,
        "state": case.get_state_display(),
        "person": case.value,
        "looked_in": case.scope_words,
        "looked_up_by": case.requested_by,
        "looked_up_at": case.created_at,
        "reason": case.reason,
        "ticket": case.ticket,
        "asked_by": case.erasure_by,
        "confirmed_by": case.confirmed_by,
    }


def _entry_row(entry: AuditEntry) -> Sequence[Any]:
    return (
        entry.at.isoformat(), entry.actor_label, sentence(entry), entry.resource_type, entry.resource_id,
        entry.resource_label, entry.correlation_id,
    )  # fmt: skip


def _sent_rows(findings: Sequence[dict[str, Any]]) -> Iterator[Sequence[Any]]:
    for finding in findings:
        for line in finding["sent"]:
            yield (
                finding["label"], line["number"], line["at"], line["by"], line["key"], line["operation"],
                line["status"], line["message"], len(line["requests"]),
            )  # fmt: skip


def _csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    for row in (columns, *rows):
        buffer = io.StringIO()
        csv.writer(buffer).writerow([_plain(value) for value in row])
        yield buffer.getvalue().encode()


def _plain(value: Any) -> Any:
    """Text that a spreadsheet would take for a formula gets a mark in front."""
    return f"'{value}" if isinstance(value, str) and value[:1] in "=+-@\t\r" and value else value
