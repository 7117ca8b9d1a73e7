"""What names a bucket of Amazon S3 or of a store that speaks its protocol."""

from __future__ import annotations

from connectors.sdk.fields import AWS_CREDENTIAL, NO_CREDENTIAL, Field, Text, Toggle

S3_PLACE: tuple[Field, ...] = (
    Text(
        name="bucket",
        label="Bucket",
        help="The bucket's name, not its address.",
        pattern=r"[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9]",
        pattern_hint="3 to 63 lower-case letters, digits, dots and dashes.",
    ),
    Text(name="region", label="Region", placeholder="eu-central-1", default="us-east-1"),
    AWS_CREDENTIAL,
    Text(
        name="endpoint",
        when=NO_CREDENTIAL,
        label="Endpoint",
        help="Address of an S3-compatible store; leave empty for Amazon S3.",
        placeholder="https://minio.example.com:9000",
        required=False,
        pattern=r"https?://[^\s/?#@]+/?",
        pattern_hint="Begin with https:// and leave out any path and password.",
    ),
    Toggle(
        name="path_style",
        when=NO_CREDENTIAL,
        label="Bucket in the path",
        help="Address the bucket as endpoint/bucket instead of bucket.endpoint; most other stores need it.",
    ),
)
