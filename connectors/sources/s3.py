"""Amazon S3 and every store that speaks its protocol: CSV and JSON objects of a bucket as tables."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Any, ClassVar

from connectors.sdk.bucket_source import BucketSource
from connectors.sdk.buckets import open_s3, s3_network
from connectors.sdk.errors import AuthError
from connectors.sdk.fields import NO_CREDENTIAL, Text
from connectors.sdk.s3_settings import S3_PLACE
from connectors.sdk.source import SourceDefinition
from connectors.sdk.types import Verification


class S3Source(BucketSource):
    """One bucket."""

    rights = "The key or role needs s3:ListBucket on the bucket and s3:GetObject on its objects."

    definition: ClassVar[SourceDefinition] = SourceDefinition(
        key="s3",
        name="Amazon S3",
        category="Files",
        summary="CSV and JSON objects of a bucket of Amazon S3 or a compatible store.",
        docs_url="docs/sources/s3.md",
        dialect="duckdb",
        methods=("table", "sql"),
        table_word="File",
        verification=Verification.EMULATOR,
        fields=(
            *S3_PLACE,
            Text(
                name="access_key_id",
                when=NO_CREDENTIAL,
                label="Access key ID",
                help="Leave both keys empty to use the machine's own AWS role, where the operator allows that.",
                required=False,
            ),
            Text(name="secret_access_key", when=NO_CREDENTIAL, label="Secret access key", required=False, secret=True),
            Text(
                name="role_arn",
                when=NO_CREDENTIAL,
                label="Role ARN",
                help="A role that the machine's own AWS role acts in: for a bucket of another account.",
                placeholder="arn:aws:iam::123456789012:role/headrace",
                required=False,
                pattern=r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+",
                pattern_hint="Paste the role's ARN, arn:aws:iam::…:role/….",
                group="Role",
            ),
            Text(
                name="external_id",
                when=NO_CREDENTIAL,
                label="External ID",
                help="Only where the role's trust policy asks for one.",
                required=False,
                group="Role",
            ),
        ),
    )

    def _files(self) -> Any:
        from aiobotocore.config import AioConfig

        config = self.config
        endpoint = str(config.get("endpoint") or "") or None
        style = {"addressing_style": "path" if config.get("path_style") else "auto"}
        network = {**s3_network(self.environment, endpoint), "s3": style}
        client = {"region_name": config.get("region") or "us-east-1", "endpoint_url": endpoint}
        return open_s3(self._login(partial(AioConfig, **network), client), client, network)

    async def _pages(self, files: Any, prefix: str) -> AsyncIterator[tuple[str, Any]]:
        async for found in files._iterdir(self._bucket, delimiter="", prefix=prefix):
            yield found["Key"].partition("/")[2], found.get("LastModified")

    def _login(self, network: Any, client: dict[str, Any]) -> dict[str, Any]:
        from aiobotocore.session import get_session

        from connectors.sdk.aws import Role, machine_role_session

        key, secret = self.config.get("access_key_id"), self.config.get("secret_access_key")
        if key and secret:
            return {"key": key, "secret": secret}
        if key or secret:
            raise AuthError("Only part of the credentials is set.", hint="Give the access key ID and the secret key.")
        if not self.environment.extra.get("aws_default_credentials"):
            # The machine's role belongs to the operator, not to everyone who may add a source.
            raise AuthError("No credentials are set.", hint="Give an access key ID and its secret access key.")
        arn = str(self.config.get("role_arn") or "")
        if not arn:
            return {}
        role = Role(arn=arn, external_id=str(self.config.get("external_id") or ""))
        return {"session": machine_role_session(role, partial(get_session().create_client, **client, config=network()))}
