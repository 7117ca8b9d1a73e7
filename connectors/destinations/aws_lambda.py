"""AWS Lambda: rows are handed to a function, which says which of them it refuses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
from botocore.exceptions import ClientError

from connectors.sdk.aws import CONNECTION, Account, refusal, told, typed_errors
from connectors.sdk.destination import DestinationDefinition, Job
from connectors.sdk.errors import BatchRejected, ConfigError, ConnectorError, InternalError, Unavailable
from connectors.sdk.fields import Text
from connectors.sdk.functions import Call, FunctionDestination, function_sync_type
from connectors.sdk.types import Verification

_RIGHTS = "The key or role needs lambda:InvokeFunction on the function."
_GONE = {"ResourceNotFoundException": "Create the function, or correct its ARN."}
_FUNCTION = Text(
    name="function",
    label="Function",
    help="Its ARN; with :alias or :version behind it, that one is called.",
    placeholder="arn:aws:lambda:eu-central-1:123456789012:function:customers",
    pattern=r"(arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:)?[\w-]{1,64}(:[\w$-]+)?",
    pattern_hint="Paste the function's ARN, or its name.",
)


class AwsLambdaDestination(FunctionDestination):
    """The functions of one region."""

    definition = DestinationDefinition(
        key="aws_lambda",
        name="AWS Lambda",
        category="Custom",
        summary="Call a function of yours when rows are added, changed or removed.",
        docs_url="docs/destinations/aws_lambda.md",
        fields=CONNECTION,
        verification=Verification.EMULATOR,
        safe_to_resync=False,
        sync_types=(function_sync_type(_FUNCTION),),
    )

    async def check(self) -> None:
        """Ask who the credentials belong to: the only right that every key has."""
        with typed_errors(_refused):
            async with Account(self.config, self.environment).client("sts") as client:
                await client.get_caller_identity()

    @asynccontextmanager
    async def calling(self, job: Job) -> AsyncIterator[Call]:
        name = str(job.settings["function"])
        with typed_errors(_refused):
            account = Account(self.config, self.environment)
            async with account.client("lambda", read_s=self.limits(job).timeout_s) as client:

                async def call(body: bytes) -> Any:
                    with typed_errors(_refused, field="function"):
                        answer = await client.invoke(FunctionName=name, Payload=body)
                        async with answer["Payload"] as stream:
                            payload = await stream.read()
                    return _answered(answer, payload)

                yield call


def _answered(answer: dict[str, Any], payload: bytes) -> Any:
    try:
        said = orjson.loads(payload) if payload.strip() else None
    except orjson.JSONDecodeError as error:
        raise InternalError(f"The function answered no JSON: {payload[:200]!r}") from error
    if answer.get("FunctionError"):
        words = said.get("errorMessage") if isinstance(said, dict) else said
        raise BatchRejected(f"The function failed: {words}", hint="Its log in CloudWatch says more.")
    return said


def _refused(error: ClientError) -> ConnectorError:
    code, _, message = told(error)
    if code in ("RequestTooLargeException", "RequestEntityTooLargeException"):
        return BatchRejected(message, hint="A call takes 6 MB: choose fewer rows in a call.")
    if code == "InvalidParameterValueException":
        return ConfigError(message, field="function")
    if code in ("ResourceNotReadyException", "EC2ThrottledException", "CodeArtifactUserPendingException"):
        return Unavailable(message)
    return refusal(error, _RIGHTS, gone=_GONE)
