"""The files a new destination begins with; the tutorial walks through them, and a test plays their case."""

from __future__ import annotations

import re
from pathlib import Path

from config.errors import Invalid

CHECKOUT = Path(__file__).resolve().parents[1]
CONNECTOR = '''"""@Name@: people and their properties."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from connectors.sdk.destination import DestinationDefinition, DestinationField, Limits, Rate, SyncType
from connectors.sdk.fields import SPLIT_RETRY, Text
from connectors.sdk.modes import upsert
from connectors.sdk.rest import Api, KeyHeader, RestDestination, Results, Work, by_index, field, fields
from connectors.sdk.types import Verification

API = Api(
    base="https://api.@name@.example/v1",
    version="v1",
    sign_in=KeyHeader(key=Text(name="api_key", label="API key", help="Made under Settings → API.", secret=True)),
    test=("GET", "me"),
)


async def write_people(work: Work) -> Results:
    """One request for the batch; its answer names the refused people by place."""
    answer = await work.line.post("people/batch", {"people": work.records})
    return by_index(len(work), [(error["index"], error["message"]) for error in answer["errors"]])


class @Class@Destination(RestDestination):
    """A @Name@ account."""

    api = API
    definition = DestinationDefinition(
        key="@name@",
        name="@Name@",
        category="CRM",
        summary="People and their properties.",
        docs_url="docs/destinations/@name@.md",
        fields=API.sign_in.fields,
        verification=Verification.DOCS,
        sync_types=(
            SyncType(
                key="people",
                name="People",
                description="People, matched by e-mail address.",
                modes=(upsert(noun="people"),),
                settings=(SPLIT_RETRY,),
                limits=Limits(batch_rows=500, concurrency=2, rates=(Rate(requests=10, seconds=1),)),
                custom_fields=True,
                split_retry=True,
            ),
        ),
    )
    writers: ClassVar = {"people": write_people}

    async def fields(self, sync_type: str, settings: Any) -> Sequence[DestinationField]:
        return fields(field("email", "E-mail", identifier=True, required=True), "name", "born:date")
'''

CASE = """{
 "shows": ["minimal", "every type", "nulls", "unicode", "nested", "exact numbers and times", "removed", "hostile"],
 "type": "people", "mode": "upsert", "identifiers": ["email"],
 "config": {"api_key": "k-0815"},
 "free": ["name"],
 "columns": {"email": "string", "name": "string", "born": "date32", "spent": "decimal(10,2)",
             "seen": "moment", "likes": "nested"},
 "rows": [["a@x.test", "Ωμέγα", "1990-02-28", "120.50", "2026-01-02T03:04:05", {"colours": ["red"]}],
          ["b@x.test", null, null, null, null, null]],
 "exchanges": [{"method": "POST", "path": "/v1/people/batch",
   "json": {"people": [
     {"email": "a@x.test", "name": "Ωμέγα", "born": "1990-02-28", "spent": 120.50,
      "seen": "2026-01-02T03:04:05Z", "likes": {"colours": ["red"]}},
     {"email": "b@x.test", "name": null, "born": null, "spent": null, "seen": null, "likes": null}]},
   "answer": {"status": 200, "json": {"errors": [{"index": 1, "message": "A name is needed."}]}}}],
 "results": [{"accepted": true}, {"accepted": false, "message": "A name is needed."}]
}
"""

DOCS = """# @Name@

Keeps people in step with a model.

## Connect

In @Name@ open Settings → API and make a key.

<!-- declared -->
<!-- /declared -->
"""
FILES = {
    "connectors/destinations/@name@.py": CONNECTOR,
    "tests/connectors/cases/@name@/people.json": CASE,
    "docs/destinations/@name@.md": DOCS,
}


def write_destination(root: Path, name: str) -> list[Path]:
    """Write the files of a destination and register it; their paths. Nothing is written over."""
    if not re.fullmatch(r"[a-z][a-z0-9_]{1,40}", name):
        raise Invalid.field("name", f"“{name}” cannot be a key.", hint="Use lower-case letters, digits and _.")
    paths = {root / path.replace("@name@", name): text for path, text in FILES.items()}
    if taken := [path for path in paths if path.exists()]:
        raise Invalid.field("name", f"{taken[0].relative_to(root)} is there already.")
    for path, text in paths.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(filled(text, name), encoding="utf-8")
    registry = root / "connectors" / "registry.py"
    registry.write_text(_registered(registry.read_text(encoding="utf-8"), name), encoding="utf-8")
    return [*paths, registry]


def filled(text: str, name: str) -> str:
    """A template with the name in it, as a key, a class and words."""
    words = name.replace("_", " ").title()
    return text.replace("@name@", name).replace("@Class@", words.replace(" ", "")).replace("@Name@", words)


def _registered(text: str, name: str) -> str:
    """The registry with one more destination, in order."""
    head, begin, rest = text.partition("DESTINATIONS: dict[str, str] = {\n")
    body, end, tail = rest.partition("}\n")
    line = f'    "{name}": "connectors.destinations.{name}:{filled("@Class@", name)}Destination",\n'
    return f"{head}{begin}{''.join(sorted([*body.splitlines(keepends=True), line]))}{end}{tail}"
