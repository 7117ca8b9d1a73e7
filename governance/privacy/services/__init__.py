"""Writes of this app."""

from governance.privacy.services.cases import (
    confirm_erasure,
    discard_case,
    note_view,
    request_erasure,
    resume_erasure,
    start_look_up,
    withdraw_erasure,
)
from governance.privacy.services.evidence import record_evidence_export
from governance.privacy.services.retention import set_retention

__all__ = [
    "confirm_erasure",
    "discard_case",
    "note_view",
    "record_evidence_export",
    "request_erasure",
    "resume_erasure",
    "set_retention",
    "start_look_up",
    "withdraw_erasure",
]
