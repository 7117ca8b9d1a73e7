"""Google Drive: a run's rows become files of a folder."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from connectors.sdk.destination import DestinationDefinition, Job
from connectors.sdk.errors import ConfigError
from connectors.sdk.fields import Text
from connectors.sdk.files import PGP_KEY, file_sync_type, pgp_keys
from connectors.sdk.files.uploads import Resumable, UploadDestination
from connectors.sdk.rest import Api, Line, Writer, google
from connectors.sdk.types import Verification

_FOLDER = re.compile(r"(?:https://drive\.google\.com/\S*?folders/)?([\w-]{10,})(?:[/?#]\S*)?")
_SHARED = {"supportsAllDrives": "true"}
API = Api(
    base="https://www.googleapis.com",
    version="v3",
    sign_in=google("https://www.googleapis.com/auth/drive"),
)


class GoogleDriveDestination(UploadDestination):
    """A folder that runs write files into; a file that is there gets a new revision."""

    api = API
    writers: ClassVar[Mapping[str, Writer]] = {}
    definition = DestinationDefinition(
        key="google_drive",
        name="Google Drive",
        category="Files",
        summary="Write files into a folder of Google Drive.",
        docs_url="docs/destinations/google_drive.md",
        fields=(
            Text(
                name="folder",
                label="Folder",
                help="Its address in the browser. A service account needs the folder shared with it, as an editor.",
                placeholder="https://drive.google.com/drive/folders/1AbCdEfGhIjKlMnOpQrStUvWxYz",
                pattern=_FOLDER.pattern,
                pattern_hint="Paste the folder's address, https://drive.google.com/drive/folders/….",
            ),
            *API.sign_in.fields,
            PGP_KEY,
        ),
        sync_types=(file_sync_type("Rows of a model become files of the folder."),),
        verification=Verification.DOCS,
        connects=API.sign_in.connects,
    )

    async def check(self) -> None:
        """Looks at the folder, and whether files may be added to it."""
        pgp_keys(self.config)
        async with self.line() as line:
            about = {"fields": "mimeType,capabilities(canAddChildren)", **_SHARED}
            told = await line.get(f"drive/v3/files/{self._folder}", about)
        if not (told.get("capabilities") or {}).get("canAddChildren"):
            raise ConfigError("Files cannot be added there.", field="folder", hint="Share the folder as an editor.")

    def validate(self, job: Job) -> None:
        super().validate(job)
        if "/" in str(job.settings.get("filename") or ""):
            raise ConfigError("Files go into the folder itself: leave out slashes.", field="filename")

    def store(self, line: Line) -> Resumable:
        async def start(path: str) -> str:
            known = await self._find(line, path)
            query = {"uploadType": "resumable", **_SHARED}
            about = {} if known else {"name": path, "parents": [self._folder]}
            method, address = ("PATCH", f"/{known}") if known else ("POST", "")
            answer = await line.send(method, f"upload/drive/v3/files{address}", json=about, query=query)
            return answer.headers.get("location", "")

        return Resumable(line, start)

    async def _find(self, line: Line, name: str) -> str:
        """The file of this name in the folder, or nothing."""
        quoted = name.replace("\\", "\\\\").replace("'", "\\'")
        asked = {
            "q": f"name = '{quoted}' and '{self._folder}' in parents and trashed = false",
            "fields": "files(id)",
            "includeItemsFromAllDrives": "true",
            **_SHARED,
        }
        found = (await line.get("drive/v3/files", asked))["files"]
        return str(found[0]["id"]) if found else ""

    @property
    def _folder(self) -> str:
        found = _FOLDER.fullmatch(str(self.config.get("folder") or "").strip())
        if not found:
            raise ConfigError("This is not the address of a folder.", field="folder")
        return found[1]
