"""Buckets and containers as sources of files: what S3, Google Cloud Storage and Azure share around fsspec."""

from __future__ import annotations

import datetime as dt
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, ClassVar

from connectors.sdk.errors import AuthError, ConfigError, ConnectorError, Unavailable
from connectors.sdk.file_source import FileSource, Listed, missing

_PIECE = 4 << 20
_NEVER = dt.datetime.min.replace(tzinfo=dt.UTC)
# File systems are kept by who opens them, with the credential of the moment, and never by their library.
UNSHARED: Mapping[str, Any] = {"skip_instance_cache": True, "use_listings_cache": False}
_REFUSED = ("403", "401", "forbidden", "accessdenied", "access denied", "permission", "invalidaccesskeyid", "signature")
_LOGIN = ("invalid_grant", "aadsts", "invalid_client", "refresherror", "expiredtoken", "nocredentials")


class BucketSource(FileSource):
    """Subclasses open the file system; ``rights`` says what the credential needs."""

    rights: ClassVar[str]

    @abstractmethod
    def _files(self) -> Any:
        """An fsspec file system with this source's credential."""

    @property
    def _bucket(self) -> str:
        return str(self.config.get("bucket") or "").strip("/")

    def _list(self, prefix: str) -> Iterator[Listed]:
        folder = prefix.rpartition("/")[0]
        with self._typed(), suppress(FileNotFoundError) if folder else nullcontext():
            files = self._files()
            for _, _, found in files.walk(f"{self._bucket}/{folder}".rstrip("/"), detail=True, on_error="raise"):
                for about in found.values():
                    path = str(about["name"]).removeprefix(f"{self._bucket}/")
                    if path.startswith(prefix):
                        yield Listed(path, _changed(about))

    def _fetch(self, path: str, to: Path) -> None:
        with (
            self._typed(path),
            self._files().open(f"{self._bucket}/{path}", "rb", cache_type="readahead") as far,
            to.open("wb") as near,
        ):
            while piece := far.read(_PIECE):
                near.write(piece)

    @contextmanager
    def _typed(self, path: str = "") -> Iterator[None]:
        try:
            yield
        except ConnectorError:
            raise
        except FileNotFoundError as error:
            if path:
                raise missing(path) from error
            raise ConfigError(
                f"There is no bucket “{self._bucket}”.", field="bucket", hint="Check the name: no address, no slashes."
            ) from error
        except Exception as error:  # each store's library has exceptions of its own
            raise self._told(error) from error

    def _told(self, error: Exception) -> ConnectorError:
        """The store's refusal, or the guard's where it lies beneath."""
        words: list[str] = []
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, ConnectorError):
                return cause
            words.append(f"{type(cause).__name__}: {cause}")
            cause = cause.__cause__ or cause.__context__
        text = " ".join(words).lower()
        said = " ".join(str(error).split())[:600] or type(error).__name__
        if "nosuchbucket" in text or "containernotfound" in text or "404" in text:
            return ConfigError(said, field="bucket", hint="Create the bucket, or correct its name.")
        if "permanentredirect" in text or "authorizationheadermalformed" in text:
            return ConfigError(said, field="region", hint="The bucket is in another region.")
        if any(mark in text for mark in _LOGIN):
            return AuthError(said, hint="The credential is wrong, was deleted or has expired: replace it.")
        if any(mark in text for mark in _REFUSED):
            return AuthError(said, hint=self.rights)
        return Unavailable(f"The store could not be read: {said}", hint="Check the settings and the network between.")


def _changed(about: Mapping[str, Any]) -> dt.datetime:
    for name in ("LastModified", "last_modified", "updated", "mtime"):
        value = about.get(name)
        if isinstance(value, str):
            value = dt.datetime.fromisoformat(value)
        if isinstance(value, dt.datetime):
            return value if value.tzinfo else value.replace(tzinfo=dt.UTC)
    return _NEVER
