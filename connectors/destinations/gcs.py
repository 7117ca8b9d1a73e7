"""Google Cloud Storage: a run's rows become objects of a bucket."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import quote

from connectors.sdk.destination import DestinationDefinition
from connectors.sdk.errors import AuthError
from connectors.sdk.fields import Text
from connectors.sdk.files import PGP_KEY, file_sync_type, pgp_keys
from connectors.sdk.files.uploads import Resumable, UploadDestination
from connectors.sdk.rest import Api, Line, Writer, google
from connectors.sdk.types import Verification

_RIGHTS = ("storage.objects.create", "storage.objects.delete")
API = Api(
    base="https://storage.googleapis.com",
    version="v1",
    sign_in=google("https://www.googleapis.com/auth/devstorage.read_write"),
)


class GcsDestination(UploadDestination):
    """A bucket that runs write objects into."""

    api = API
    writers: ClassVar[Mapping[str, Writer]] = {}
    definition = DestinationDefinition(
        key="gcs",
        name="Google Cloud Storage",
        category="Files",
        summary="Write files into a bucket of Google Cloud Storage.",
        docs_url="docs/destinations/gcs.md",
        fields=(
            Text(name="bucket", label="Bucket", help="The bucket's name, not its address.", max_length=222),
            *API.sign_in.fields,
            PGP_KEY,
        ),
        sync_types=(file_sync_type("Rows of a model become objects of the bucket."),),
        verification=Verification.DOCS,
        connects=API.sign_in.connects,
    )

    async def check(self) -> None:
        """Asks which of the rights that writing needs there are; that takes none itself."""
        pgp_keys(self.config)
        async with self.line() as line:
            told = await line.get(f"storage/v1/b/{self._bucket}/iam/testPermissions", {"permissions": _RIGHTS})
        if missing := set(_RIGHTS) - set(told.get("permissions") or ()):
            hint = "Give the account the role Storage Object User on the bucket."
            raise AuthError(f"The account lacks {' and '.join(sorted(missing))} on the bucket.", hint=hint)

    def store(self, line: Line) -> Resumable:
        async def start(path: str) -> str:
            query = {"uploadType": "resumable", "name": path}
            answer = await line.send("POST", f"upload/storage/v1/b/{self._bucket}/o", json={}, query=query)
            return answer.headers.get("location", "")

        return Resumable(line, start)

    @property
    def _bucket(self) -> str:
        return quote(str(self.config.get("bucket") or "").strip("/"), safe="")
