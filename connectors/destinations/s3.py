"""Amazon S3 and every store that speaks its protocol: a run's rows become objects of a bucket."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from aiobotocore.config import AioConfig
from aiobotocore.credentials import AioCredentials
from aiobotocore.session import AioSession, get_session
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    SSLError,
)

from connectors.sdk.aws import Role, role_session, way_out
from connectors.sdk.destination import Destination, DestinationDefinition, Job, RowStreams
from connectors.sdk.errors import AuthError, ConfigError, ConnectorError, Gone, RateLimited, Unavailable
from connectors.sdk.fields import Field, Text, Toggle
from connectors.sdk.files import PGP_KEY, encrypted, file_plan, file_sync_type, pgp_keys, write_files
from connectors.sdk.types import Verification

# An upload has at most 10,000 parts; they grow by this size every thousand, so that 440 GB fit into one object.
_PART_BYTES = 8_000_000
_PART_GROWTH = 1_000
_AMBIENT = "aws_default_credentials"

_FIELDS: tuple[Field, ...] = (
    Text(
        name="bucket",
        label="Bucket",
        help="The bucket's name, not its address.",
        pattern=r"[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9]",
        pattern_hint="3 to 63 lower-case letters, digits, dots and dashes.",
    ),
    Text(name="region", label="Region", placeholder="eu-central-1", default="us-east-1"),
    Text(
        name="endpoint",
        label="Endpoint",
        help="Address of an S3-compatible store; leave empty for Amazon S3.",
        placeholder="https://minio.example.com:9000",
        required=False,
        pattern=r"https?://[^\s/?#@]+/?",
        pattern_hint="Begin with https:// and leave out any path and password.",
    ),
    Toggle(
        name="path_style",
        label="Bucket in the path",
        help="Address the bucket as endpoint/bucket instead of bucket.endpoint; most other stores need it.",
    ),
    Text(
        name="access_key_id",
        label="Access key ID",
        help="Leave both keys empty to use the machine's own AWS role, where the operator allows that.",
        required=False,
    ),
    Text(name="secret_access_key", label="Secret access key", required=False, secret=True),
    Text(name="session_token", label="Session token", help="For temporary keys only.", required=False, secret=True),
    Text(
        name="role_arn",
        label="Role ARN",
        help="A role that the keys above, or the machine, act in: for a bucket of another account.",
        placeholder="arn:aws:iam::123456789012:role/headrace",
        required=False,
        pattern=r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+",
        pattern_hint="Paste the role's ARN, arn:aws:iam::…:role/….",
        group="Role",
    ),
    Text(
        name="external_id",
        label="External ID",
        help="Only where the role's trust policy asks for one.",
        required=False,
        pattern=r"[\w+=,.@:/-]{2,1224}",
        pattern_hint="2 to 1,224 letters, digits and + = , . @ : / -.",
        group="Role",
    ),
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
        with _typed_errors():
            session, keys = await self._session()
            style = {"addressing_style": "path" if self.config.get("path_style") else "auto"}
            arguments = self._arguments(signature_version="s3v4", s3=style)
            async with session.create_client("s3", **arguments, **keys) as client:
                yield client

    async def _session(self) -> tuple[AioSession, dict[str, str]]:
        """Where clients come from, and the keys they are made with."""
        keys = self._keys()
        arn = str(self.config.get("role_arn") or "")
        if not arn:
            return get_session(), keys
        role = Role(arn=arn, external_id=str(self.config.get("external_id") or ""))
        # A compatible store answers for STS at the same address.
        client_of = partial(get_session().create_client, **self._arguments())
        return await role_session(role, AioCredentials(*keys.values()) if keys else None, client_of), {}

    def _arguments(self, **options: Any) -> dict[str, Any]:
        config = self.config
        endpoint = str(config.get("endpoint") or "") or None
        return {
            "region_name": config.get("region") or "us-east-1",
            "endpoint_url": endpoint,
            "config": AioConfig(
                connect_timeout=10,
                read_timeout=60,
                # Single parts of a long upload are tried again here; the run as a whole is the engine's.
                retries={"mode": "standard", "max_attempts": 3},
                # Newer checksums are unknown to many compatible stores.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                **way_out(self.environment, endpoint),
                **options,
            ),
        }

    def _keys(self) -> dict[str, str]:
        """The keys that are set, in the order that credentials take them; none for the machine's own."""
        names = {
            "aws_access_key_id": "access_key_id",
            "aws_secret_access_key": "secret_access_key",
            "aws_session_token": "session_token",
        }
        given = {argument: str(self.config[name]) for argument, name in names.items() if self.config.get(name)}
        if "aws_access_key_id" in given and "aws_secret_access_key" in given:
            return given
        if given:
            raise AuthError("Only part of the credentials is set.", hint="Give the access key ID and the secret key.")
        if not self.environment.extra.get(_AMBIENT):
            # The machine's role belongs to the operator, not to everyone who may add a destination.
            raise AuthError("No credentials are set.", hint="Give an access key ID and its secret access key.")
        return {}


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


_AUTH_CODES = frozenset(
    {"AccessDenied", "ExpiredToken", "InvalidAccessKeyId", "InvalidToken", "SignatureDoesNotMatch", "AllAccessDisabled"}
)
_REGION_CODES = frozenset({"AuthorizationHeaderMalformed", "PermanentRedirect", "IllegalLocationConstraintException"})


@contextlib.contextmanager
def _typed_errors() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        raise _refusal(error) from error
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise AuthError(str(error)) from error
    except (ParamValidationError, ValueError) as error:
        raise ConfigError(str(error), field="bucket") from error
    except SSLError as error:
        raise AuthError(f"The TLS connection was refused: {error}") from error
    except (BotoCoreError, OSError, TimeoutError) as error:
        raise _unreachable(error) from error


def _refusal(error: ClientError) -> ConnectorError:
    answer = error.response
    code = str(answer.get("Error", {}).get("Code", ""))
    status = int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    message = f"{code}: {answer.get('Error', {}).get('Message', '')}".strip(": ")
    if code == "NoSuchBucket" or (status == 404 and error.operation_name != "UploadPart"):
        return Gone(message, hint="Create the bucket, or open the destination and correct its name.")
    if code in _REGION_CODES or status == 301:
        return ConfigError(message, field="region", hint="The bucket is in another region.")
    if error.operation_name == "AssumeRole" and status in (400, 401, 403):
        return AuthError(message, hint="The role must trust these credentials, with this external ID if it has one.")
    if code in _AUTH_CODES or status in (401, 403):
        return AuthError(message, hint="The key needs s3:PutObject and the multipart upload rights on this bucket.")
    if code in ("SlowDown", "RequestLimitExceeded") or status == 429:
        return RateLimited(message)
    if status >= 500 or code in ("RequestTimeout", "NoSuchUpload", "RequestTimeTooSkewed"):
        return Unavailable(message)
    return ConfigError(message)


def _unreachable(error: Exception) -> ConnectorError:
    """The guard's own refusal where it lies beneath, else that nobody answered."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ConnectorError):
            return cause
        cause = cause.__cause__ or cause.__context__
    return Unavailable(f"The store could not be reached: {error}")
