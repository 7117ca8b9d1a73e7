"""Jobs of other services whose end syncs wait for: which there are, and when each succeeded last."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from config.errors import Invalid
from connectors.choices import Cloud
from connectors.clouds import opened
from connectors.discovery import RemoteError
from connectors.jobs import dbt_cloud, fivetran
from connectors.jobs.calling import Job
from connectors.models import CloudCredential
from connectors.sdk.errors import ConnectorError

__all__ = ["PROVIDERS", "Job", "jobs_of", "successes"]

_LIST: Mapping[str, Callable[..., Sequence[Job]]] = {
    Cloud.DBT_CLOUD: dbt_cloud.jobs,
    Cloud.FIVETRAN: fivetran.jobs,
}
_LATEST: Mapping[str, Callable[..., Mapping[str, str]]] = {
    Cloud.DBT_CLOUD: dbt_cloud.successes,
    Cloud.FIVETRAN: fivetran.successes,
}
PROVIDERS = tuple(_LIST)


def jobs_of(credential: CloudCredential) -> Sequence[Job]:
    """The jobs that a credential shows, by name. Raises ``RemoteError``."""
    if credential.provider not in _LIST:
        raise Invalid(f"{credential.get_provider_display()} has no jobs that syncs could wait for.")
    with _told(credential):
        found = _LIST[credential.provider](opened(credential).values)
        return sorted(found, key=lambda job: job.name.lower())


def successes(credential: CloudCredential, job_ids: Sequence[str]) -> Mapping[str, str]:
    """What stands for the latest success of each job: another text means another success, none that it never had one.

    Raises ``RemoteError``.
    """
    with _told(credential):
        return _LATEST[credential.provider](opened(credential).values, job_ids)


@contextmanager
def _told(credential: CloudCredential) -> Iterator[None]:
    """A service's error as one that pages and the API show; the client has taken secrets out of its words."""
    name = credential.get_provider_display()
    try:
        yield
    except ConnectorError as error:
        raise RemoteError(f"{name}: {error.message}", hint=error.hint, code=error.code) from None
    except (KeyError, TypeError, AttributeError):
        raise RemoteError(f"{name} answered in a way that cannot be read.", code="unexpected_answer") from None
