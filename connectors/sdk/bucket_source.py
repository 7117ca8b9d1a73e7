"""Buckets and containers as sources of files: what S3, Google Cloud Storage and Azure share around fsspec."""

from __future__ import annotations

import datetime as dt
from abc import abstractmethod
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from fsspec.asyn import sync

from connectors.sdk.errors import AuthError, ConfigError, ConnectorError, Unavailable
from connectors.sdk.file_source import FileSource, Listed, missing

_PIECE = 4 << 20
_NEVER = dt.datetime.min.replace(tzinfo=dt.UTC)
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

    @abstractmethod
    def _pages(self, files: Any, prefix: str) -> AsyncIterator[tuple[str, Any]]:
        """Names and times of change of the objects that begin so, asked for page by page, in the library's loop."""

    def _list(self, prefix: str, most: int) -> Sequence[Listed]:
        with self._typed():
            files = self._files()

            async def some() -> list[tuple[str, Any]]:
                found: list[tuple[str, Any]] = []
                async for one in self._pages(files, prefix):
                    found.append(one)
                    if len(found) >= most:
                        break
                return found

            told = sync(files.loop, some)
        return [Listed(name, _moment(changed)) for name, changed in told if not name.endswith("/")]

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


def _moment(value: Any) -> dt.datetime:
    if isinstance(value, str):
        value = dt.datetime.fromisoformat(value)
    if not isinstance(value, dt.datetime):
        return _NEVER
    return value if value.tzinfo else value.replace(tzinfo=dt.UTC)
