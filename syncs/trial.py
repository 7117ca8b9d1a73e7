"""A sync as a run would carry it out now, to try it out without one."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from django.utils import timezone

from config.errors import HeadraceError, Invalid
from connectors.access import open_destination
from connectors.sdk.destination import Destination, Job
from connectors.sdk.errors import ConnectorError
from connectors.sdk.validation import assemble, scrub
from connectors.sdk.waiting import answered
from connectors.secrets import decrypt
from syncs.choices import PendingReset
from syncs.configuration import mapped_fields
from syncs.engine import EngineError
from syncs.engine.spec import Failure, RunSpec
from syncs.models import Run, Sync
from syncs.runspec import build_job, build_spec, narrowed, with_begun, with_fields, with_settings


@dataclass(frozen=True, slots=True)
class Trial:
    """What a run would start with. ``job`` holds secrets: keep it in memory."""

    spec: RunSpec
    job: Job
    destination: Destination


def spec_of(sync: Sync) -> RunSpec:
    """What a run would start with, from the database alone."""
    run = Run(pk=0, sync=sync, created_at=timezone.now())
    return build_spec(sync, run, reset=PendingReset(sync.pending_reset), reprocess=sync.pending_reprocess)


def trial_of(sync: Sync, spec: RunSpec | None = None) -> Trial:
    """Build a run's spec and job and let the connector check them; asks the destination for its fields."""
    run = Run(pk=0, sync=sync, created_at=timezone.now())
    spec = spec or spec_of(sync)
    destination = open_destination(sync.destination)
    settings = assemble(sync.settings, decrypt(sync.sealed_settings))
    job = with_settings(build_job(sync, run, spec), settings)
    fields = asyncio.run(answered(destination.fields(job.sync_type, job.settings)))
    job = with_fields(job, mapped_fields(spec.mappings, fields))
    job = with_begun(job, asyncio.run(answered(destination.begin(job))))
    destination.validate(job)
    return Trial(narrowed(spec, destination, job), job, destination)


def without_secrets(sync: Sync, failure: Failure) -> Failure:
    """The failure's words without anything that either side's settings keep secret."""
    sealed = (sync.sealed_settings, sync.destination.secret_config, sync.model.source.secret_config)
    secrets = {f"{i}.{path}": value for i, token in enumerate(sealed) for path, value in decrypt(token).items()}
    return replace(failure, message=scrub(failure.message, secrets), hint=scrub(failure.hint, secrets))


def told(sync: Sync, error: ConnectorError | EngineError) -> HeadraceError:
    """Either side's error for the person who tried."""
    failure = without_secrets(sync, Failure(code=error.code, message=error.message, hint=error.hint))
    return Invalid(failure.message, hint=failure.hint, code=failure.code)
