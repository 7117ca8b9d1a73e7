"""Amazon S3 and every store that speaks its protocol: a run's rows become objects of a bucket."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from connectors.sdk.aws import ACCESS, Account, refusal, told, typed_errors
from connectors.sdk.destination import Destination, DestinationDefinition, Job, RowStreams
from connectors.sdk.errors import ConfigError, ConnectorError, Gone, Unavailable
from connectors.sdk.fields import NO_CREDENTIAL, Field
from connectors.sdk.files import PGP_KEY, encrypted, file_plan, file_sync_type, pgp_keys, write_files
from connectors.sdk.s3_settings import S3_PLACE
from connectors.sdk.types import Verification

# An upload has at most 10,000 parts; they grow by this size every thousand, so that 440 GB fit into one object.
_PART_BYTES = 8_000_000
_PART_GROWTH = 1_000

_FIELDS: tuple[Field, ...] = (
    *S3_PLACE,
    *(replace(declared, when=NO_CREDENTIAL) for declared in ACCESS),
    PGP_KEY,
)


class S3Destination(Destination):
    """A bucket that runs write objects into."""

    definition = DestinationDefinition(
        key="s3",
        name="Amazon S3",
        category="Files",
        summary="Write files into a bucket of Amazon S3 or a compatible store.",
        docs_url="docs/destinations/s3.md",
        fields=_FIELDS,
        sync_types=(file_sync_type("Rows of a model become objects of the bucket."),),
        verification=Verification.EMULATOR,
    )

    async def check(self) -> None:
        """Asks for unfinished uploads: a right that writing needs anyway, and that changes nothing."""
        pgp_keys(self.config)
        async with self._client() as client:
            await client.list_multipart_uploads(Bucket=self._bucket, MaxUploads=1)

    def validate(self, job: Job) -> None:
        pgp_keys(self.config)
        file_plan(job)

    async def write(self, job: Job, rows: RowStreams) -> None:
        async with self._client() as client:
            await write_files(job, rows, file_plan(job), encrypted(_Bucket(client, self._bucket), self.config))

    async def put(self, path: str, data: bytes) -> None:
        async with self._client() as client, encrypted(_Bucket(client, self._bucket), self.config).open(path) as file:
            await file.write(data)

    @property
    def _bucket(self) -> str:
        return str(self.config.get("bucket") or "")

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[Any]:
        style = {"addressing_style": "path" if self.config.get("path_style") else "auto"}
        # Newer checksums are unknown to many compatible stores.
        checksums = {"request_checksum_calculation": "when_required", "response_checksum_validation": "when_required"}
        account = Account(self.config, self.environment, signature_version="s3v4", s3=style, **checksums)
        with _typed_errors():
            async with account.client("s3") as client:
                yield client


class _Bucket:
    """Objects appear when their upload is completed; small ones are sent in one request."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    @asynccontextmanager
    async def open(self, path: str) -> AsyncIterator[_Upload]:
        upload = _Upload(self._client, self._bucket, path)
        try:
            yield upload
            await upload.complete()
        except BaseException:
            await upload.abort()
            raise


class _Upload:
    """One object: gathers bytes into parts and holds one part in memory at most."""

    def __init__(self, client: Any, bucket: str, key: str) -> None:
        self._client = client
        self._where = {"Bucket": bucket, "Key": key}
        self._held: list[bytes] = []
        self._size = 0
        self._id = ""
        self._parts: list[dict[str, Any]] = []

    async def write(self, data: bytes) -> None:
        self._held.append(data)
        self._size += len(data)
        if self._size >= self._part_bytes():
            await self._send_part()

    def _part_bytes(self) -> int:
        return _PART_BYTES * (1 + len(self._parts) // _PART_GROWTH)

    async def _send_part(self) -> None:
        if not self._id:
            self._id = (await self._client.create_multipart_upload(**self._where))["UploadId"]
        number = len(self._parts) + 1
        answer = await self._client.upload_part(**self._where, UploadId=self._id, PartNumber=number, Body=self._taken())
        self._parts.append({"PartNumber": number, "ETag": answer["ETag"]})

    def _taken(self) -> bytes:
        data = b"".join(self._held)
        self._held, self._size = [], 0
        return data

    async def complete(self) -> None:
        """Make the object appear."""
        if not self._id:
            await self._client.put_object(**self._where, Body=self._taken())
            return
        if self._size:
            await self._send_part()
        parts = {"Parts": self._parts}
        await self._client.complete_multipart_upload(**self._where, UploadId=self._id, MultipartUpload=parts)

    async def abort(self) -> None:
        """Give back the space of an unfinished upload; the error that led here is the one to show."""
        if self._id:
            with contextlib.suppress(BotoCoreError, ClientError, OSError, TimeoutError):
                await self._client.abort_multipart_upload(**self._where, UploadId=self._id)


_REGION_CODES = frozenset({"AuthorizationHeaderMalformed", "PermanentRedirect", "IllegalLocationConstraintException"})


def _typed_errors() -> AbstractContextManager[None]:
    return typed_errors(_refusal, field="bucket")


def _refusal(error: ClientError) -> ConnectorError:
    code, status, message = told(error)
    if code == "NoSuchBucket" or (status == 404 and error.operation_name != "UploadPart"):
        return Gone(message, hint="Create the bucket, or open the destination and correct its name.")
    if code in _REGION_CODES or status == 301:
        return ConfigError(message, field="region", hint="The bucket is in another region.")
    if code == "NoSuchUpload":
        return Unavailable(message)
    return refusal(error, "The key needs s3:PutObject and the multipart upload rights on this bucket.")
