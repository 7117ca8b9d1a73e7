"""Vendors' own descriptions of their services: what a case sends must be what they allow.

The files are not part of the project: ``VENDOR_SPECS`` names their folder, by default
``shared/specs`` beside the checkout. Without them these checks are skipped, with a word.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from tests.connectors.kit.cases import Case

# Connector → the files that describe its service.
FILES: Mapping[str, tuple[str, ...]] = {
    "braze": ("braze-community.json",),
    "hubspot": (
        "hubspot-contacts.json",
        "hubspot-companies.json",
        "hubspot-deals.json",
        "hubspot-customObjects.json",
        "hubspot-associations.json",
        "hubspot-lists.json",
    ),
    "intercom": ("intercom.yaml",),
    "klaviyo": ("klaviyo.json",),
    "mixpanel": ("mixpanel-ingestion.yaml",),
    "notion": ("notion.json",),
}
FOLDER = Path(os.environ.get("VENDOR_SPECS") or Path(__file__).resolve().parents[4] / "shared" / "specs")
_ROOT = "urn:spec"
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def known(key: str) -> bool:
    """Whether a description of this connector's service is at hand."""
    return any((FOLDER / name).exists() for name in FILES.get(key, ()))


def described(case: Case) -> list[Mapping[str, Any]]:
    """The exchanges of a case that the service's description knows: others say that they are ``undescribed``."""
    return [exchange for exchange in case.told["exchanges"] if not exchange.get("undescribed")]


def problems(key: str, exchange: Mapping[str, Any]) -> list[str]:
    """What the service's description has against a request."""
    parts = urlsplit(exchange["path"])
    method = exchange.get("method", "POST").lower()
    found = [
        list(_operation_problems(name, operations[method], exchange, dict(parse_qsl(parts.query))))
        for name in FILES[key]
        for pattern, operations in _paths(name)
        if method in operations and pattern.fullmatch(parts.path)
    ]
    return min(found, key=len) if found else [f"{method.upper()} {parts.path} is not described"]


def _operation_problems(
    name: str, operation: Mapping[str, Any], exchange: Mapping[str, Any], query: Mapping[str, str]
) -> Iterator[str]:
    spec = _spec(name)
    declared = [_resolved(spec, p) for p in operation.get("parameters", ())]
    names = {p["name"] for p in declared if p["in"] == "query"}
    yield from (f"the parameter {asked} is not described" for asked in query if asked not in names)
    yield from (
        f"the parameter {p['name']} is missing"
        for p in declared
        if p["in"] == "query" and p.get("required") and p["name"] not in query
    )
    content = _resolved(spec, operation.get("requestBody") or {}).get("content") or {}
    if "json" not in exchange:
        if "body" not in exchange and _resolved(spec, operation.get("requestBody") or {}).get("required"):
            yield "the body is missing"
        return
    schema = next((media["schema"] for kind, media in content.items() if "json" in kind), None)
    if schema is None:
        yield "no JSON body is described"
        return
    for error in _validator(name, schema).iter_errors(_plain(exchange["json"])):
        yield f"{'/'.join(map(str, error.absolute_path))}: {error.message[:300]}"


def _validator(name: str, schema: Mapping[str, Any]) -> Draft202012Validator:
    return Draft202012Validator(_absolute(_nullable(schema)), registry=_registry(name))


@cache
def _registry(name: str) -> Registry[Any]:
    """What references lead into: made once, as a description may be megabytes."""
    resource = Resource.from_contents(_nullable(_spec(name)), default_specification=DRAFT202012)
    empty: Registry[Any] = Registry()
    made: Registry[Any] = empty.with_resource(_ROOT, resource)
    return made


def _absolute(value: Any) -> Any:
    """References that lead into the description from anywhere."""
    if isinstance(value, dict):
        return {
            k: _ROOT + v if k == "$ref" and isinstance(v, str) and v.startswith("#") else _absolute(v)
            for k, v in value.items()
        }
    return [_absolute(v) for v in value] if isinstance(value, list) else value


def _nullable(value: Any) -> Any:
    """OpenAPI 3.0 says ``nullable``; JSON Schema has a type for it."""
    if isinstance(value, list):
        return [_nullable(v) for v in value]
    if not isinstance(value, dict):
        return value
    made = {k: _nullable(v) for k, v in value.items() if k != "example"}
    if value.get("nullable") is True and isinstance(made.get("type"), str):
        made["type"] = [made["type"], "null"]
        if "enum" in made:
            made["enum"] = [*made["enum"], None]
    return made


def _resolved(spec: Mapping[str, Any], value: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in value:
        found: Any = spec
        for step in value["$ref"].removeprefix("#/").split("/"):
            found = found[step.replace("~1", "/").replace("~0", "~")]
        value = found
    return value


@cache
def _paths(name: str) -> list[tuple[re.Pattern[str], Mapping[str, Any]]]:
    """Each address as a pattern, with its operations by method."""
    # Some descriptions tell operations of one address apart by what stands behind a #, which is never sent.
    return [(_pattern(path.partition("#")[0]), operations) for path, operations in _spec(name)["paths"].items()]


def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"(\{[^}]+\})", template)
    return re.compile("".join("[^/]+" if part.startswith("{") else re.escape(part) for part in parts))


def _plain(value: Any) -> Any:
    """Numbers of a case as JSON has them."""
    if hasattr(value, "text"):
        return float(value.text)
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, list) else value


@cache
def _spec(name: str) -> dict[str, Any]:
    text = (FOLDER / name).read_text(encoding="utf-8")
    return dict(json.loads(text) if name.endswith(".json") else yaml.load(text, Loader=_Loader))  # noqa: S506 - the safe loader, in C where there is one
