"""What this app stores: models (named queries), syncs, and the runs that carry them out."""

from syncs.models.alerts import AlertPolicy, AlertRecipient, AlertState, AlertTransition
from syncs.models.definition import Model, ModelColumn
from syncs.models.extraction import AudienceExtraction
from syncs.models.matches import MatchReport
from syncs.models.preview import Preview
from syncs.models.privacy import ForgetKey, Tombstone
from syncs.models.run import JournalBatch, Run, RunStep
from syncs.models.sequence import Sequence, SequenceRun, SequenceRunStep, SequenceStep
from syncs.models.storage import WorkspaceStorage
from syncs.models.sync import Sync

__all__ = [
    "AlertPolicy",
    "AlertRecipient",
    "AlertState",
    "AlertTransition",
    "AudienceExtraction",
    "ForgetKey",
    "JournalBatch",
    "MatchReport",
    "Model",
    "ModelColumn",
    "Preview",
    "Run",
    "RunStep",
    "Sequence",
    "SequenceRun",
    "SequenceRunStep",
    "SequenceStep",
    "Sync",
    "Tombstone",
    "WorkspaceStorage",
]
