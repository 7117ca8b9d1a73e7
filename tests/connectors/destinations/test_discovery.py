"""What destinations list: objects, their fields, and whether the sign-in works. One file of questions a connector."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.connectors.kit.rest import ask

FOLDER = Path(__file__).resolve().parents[1] / "discoveries"
ASKED = [(path.stem, told) for path in sorted(FOLDER.glob("*.json")) for told in json.loads(path.read_text())]


@pytest.mark.parametrize(("key", "told"), ASKED, ids=[f"{key}-{told['ask']}" for key, told in ASKED])
async def test_what_is_listed(key: str, told: dict[str, Any]) -> None:
    found = await ask(key, told)
    assert [f"{each.method} {each.path} {each.body.decode()}" for each in found.unexpected] == []
    assert found.unused == []
    assert ((found.error and found.error.message) or "") == told.get("raises", "")
    assert list(found.answers) == told.get("answers", [])
