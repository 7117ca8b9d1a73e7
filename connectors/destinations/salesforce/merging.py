"""Merging records that are the same, which Salesforce does by its SOAP interface alone.

https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_calls_merge.htm
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

from connectors.destinations.salesforce.settings import MERGED_OBJECTS, VERSION, instance
from connectors.destinations.salesforce.soql import next_page, quoted
from connectors.sdk.destination import Mode, RowResult, rejected
from connectors.sdk.errors import AuthError, BatchRejected, ConnectorError, InternalError, Unavailable
from connectors.sdk.rest import Line, Record, Results, Work
from connectors.sdk.rest.work import text
from connectors.sdk.types import Operation

TOGETHER = 200  # merges of one request
CHILDREN = 2  # records that one merge takes besides the one that stays
ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:u="urn:partner.soap.sforce.com" '
    'xmlns:o="urn:sobject.partner.soap.sforce.com"><s:Header><u:SessionHeader><u:sessionId>{token}</u:sessionId>'
    "</u:SessionHeader></s:Header><s:Body><u:merge>{merges}</u:merge></s:Body></s:Envelope>"
)
Merge = tuple[str, Sequence[str]]  # the record that stays, and those that go into it


def merges(settings: Mapping[str, Any]) -> bool:
    """Whether records that are the same are merged."""
    return bool(settings.get("merge")) and settings.get("object") in MERGED_OBJECTS


async def merge_written(work: Work, results: Results) -> Results:
    """Merge what the written rows share with others; rows whose merge failed are refused, and tried again.

    New records are not refused, as they would be made twice: what kept them apart is told.
    """
    if not merges(work.settings) or work.job.mode not in (Mode.UPSERT, Mode.INSERT):
        return results
    if work.operation is Operation.REMOVED:
        return results
    try:
        return await _merged(work, results)
    except ConnectorError as error:
        if work.job.mode is not Mode.INSERT:
            raise
        return [_result(work, each, error.message if each.accepted else "") for each in results]


async def _merged(work: Work, results: Results) -> Results:
    shared = {
        place: _folded(record[work.settings["merge_shared"]])
        for place, record in enumerate(work.records)
        if results[place].accepted and record.get(work.settings["merge_shared"]) not in (None, "")
    }
    groups = await _groups(work, sorted(set(shared.values()))) if shared else {}
    problems: dict[str, str] = {}
    wanted: list[tuple[str, Merge]] = []
    for value, records in groups.items():
        stay = [each["Id"] for each in records if not each[work.settings["merge_child"]]]
        go = [each["Id"] for each in records if each[work.settings["merge_child"]]]
        if go and len(stay) > 1:
            problems[value] = f"{len(stay)} records share “{value}” and are no child: one is needed to merge into."
        elif len(stay) == 1:  # where there is none yet, it merges them when it comes
            parts = [go[start : start + CHILDREN] for start in range(0, len(go), CHILDREN)]
            wanted += [(value, (stay[0], part)) for part in parts]
    for start in range(0, len(wanted), TOGETHER):
        some = wanted[start : start + TOGETHER]
        said = await _merge(work.line, str(work.settings["object"]), [merge for _, merge in some])
        problems |= {value: words for (value, _), words in zip(some, said, strict=True) if words}
    return [_result(work, result, problems.get(shared.get(place, ""), "")) for place, result in enumerate(results)]


def _result(work: Work, result: RowResult, problem: str) -> RowResult:
    words = f"The record was written, but not merged: {problem}"
    if not problem:
        return result
    return RowResult(True, words, "not_merged") if work.job.mode is Mode.INSERT else rejected(words)


def _folded(value: object) -> str:
    """A shared ID as it is compared: Salesforce trims what it stores, and finds it in any case."""
    return text(value).strip().lower()


async def _groups(work: Work, values: Sequence[str]) -> dict[str, list[Record]]:
    """The records with these shared IDs, by them."""
    shared, child = work.settings["merge_shared"], work.settings["merge_child"]
    groups: dict[str, list[Record]] = {}
    for start in range(0, len(values), 100):
        listed = ",".join(quoted(value) for value in values[start : start + 100])
        names, kind = f"Id, {shared}, {child}", work.settings["object"]
        asked = f"SELECT {names} FROM {kind} WHERE {shared} IN ({listed})"  # noqa: S608  # names are Salesforce's own, values are quoted
        async for each in work.line.pages("query", "records", next_page, {"q": asked}):
            groups.setdefault(_folded(each[shared]), []).append(each)
    return groups


async def _merge(line: Line, kind: str, merging: Sequence[Merge]) -> list[str]:
    """Carry merges out; what was said against each, empty where it was done."""
    envelope = ENVELOPE.format(
        token=escape(await line.token()), merges="".join(_request(kind, *merge) for merge in merging)
    )
    answer = await line.send(
        "POST",
        f"{instance(line.config)}/services/Soap/u/{VERSION.removeprefix('v')}",
        body=envelope.encode(),
        content_type="text/xml; charset=utf-8",
        headers={"SOAPAction": "merge"},
        takes=(500,),
    )
    root = _parsed(answer.body)
    if root is None:
        told = "Salesforce did not answer in XML."
        raise Unavailable(told, in_doubt=True) if answer.status == 500 else InternalError(told)
    if fault := _text(root, "faultstring"):
        raise AuthError(fault) if "INVALID_SESSION" in fault else BatchRejected(fault)
    outcomes = [each for each in root.iter() if _name(each) == "result"]
    if len(outcomes) != len(merging):
        raise InternalError(f"Salesforce answered for {len(outcomes)} merges of {len(merging)}.")
    return [
        "" if _text(each, "success") == "true" else _text(each, "message") or "It does not say why."
        for each in outcomes
    ]


def _request(kind: str, stays: str, go: Sequence[str]) -> str:
    record = f"<o:type>{escape(kind)}</o:type><o:Id>{escape(stays)}</o:Id>"
    others = "".join(f"<u:recordToMergeIds>{escape(each)}</u:recordToMergeIds>" for each in go)
    return f"<u:request><u:masterRecord>{record}</u:masterRecord>{others}</u:request>"


def _parsed(body: bytes) -> Element | None:
    if b"<!DOCTYPE" in body:
        return None
    try:
        return ElementTree.fromstring(body)  # noqa: S314  # without a document type nothing expands
    except ElementTree.ParseError:
        return None


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _text(element: Element, name: str) -> str:
    return next((each.text or "" for each in element.iter() if _name(each) == name), "")
