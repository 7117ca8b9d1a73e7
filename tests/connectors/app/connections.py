"""Sources and destinations that tests share, made through the services."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings

from connectors import services
from connectors.models import Destination, Source
from tests.world import Place

CUSTOMERS = "id,name,email\n1,Ada,ada@example.com\n2,Grace,grace@example.com\n"
HEADER_SECRET = "Bearer hunter2-hunter2-hunter2"


def files_folder() -> Path:
    """The folder that file sources may read, made if need be."""
    folder = Path(settings.LOCAL_FILES_ROOTS[0])
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def customers_file() -> str:
    """A small CSV file, by its path inside the folder."""
    (files_folder() / "customers.csv").write_text(CUSTOMERS)
    return "customers.csv"


def file_settings() -> dict[str, Any]:
    """Settings of a DuckDB source over the CSV file."""
    return {"mode": "files", "files": [{"name": "customers", "value": customers_file()}]}


def http_settings(**changed: Any) -> dict[str, Any]:
    """Settings of an HTTP Request destination with a secret header."""
    headers = [
        {"name": "Authorization", "value": HEADER_SECRET, "secret": True},
        {"name": "X-Team", "value": "growth", "secret": False},
    ]
    return {"base_url": "https://api.example.com", "headers": headers, **changed}


def a_source(place: Place, name: str = "Shop files") -> Source:
    """A finished source whose tables were read."""
    source = services.create_source(actor=place.actor, type="duckdb", values=file_settings(), name=name)
    return services.refresh_schema(actor=place.actor, source=source)


def a_destination(place: Place, name: str = "Shop API", **changed: Any) -> Destination:
    """A finished destination with a secret header."""
    return services.create_destination(
        actor=place.actor, type="http_request", values=http_settings(**changed), name=name
    )
