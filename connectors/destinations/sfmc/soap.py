"""SOAP as Marketing Cloud speaks it: what is asked for as text, answers as elements."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from connectors.sdk.errors import AuthError, BatchRejected, InternalError, Unavailable
from connectors.sdk.rest import Line

API = "http://exacttarget.com/wsdl/partnerAPI"
INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
# Characters that XML has no way to write.
ODD = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="{instance}">'
    '<s:Header><fueloauth xmlns="http://exacttarget.com">{token}</fueloauth></s:Header>'
    "<s:Body>{content}</s:Body></s:Envelope>"
)


def tag(name: str, *content: str, kind: str = "", space: str = "") -> str:
    """An element around what is XML already."""
    told = (f' xmlns="{space}"' if space else "") + (f' xsi:type="{kind}"' if kind else "")
    return f"<{name}{told}>{''.join(content)}</{name}>"


def words(value: str) -> str:
    """A text inside an element; raises ``BatchRejected`` for characters that XML does not have."""
    if ODD.search(value):
        raise BatchRejected("The row has a control character, which Marketing Cloud cannot take.")
    return f"<![CDATA[{value.replace(']]>', ']]]]><![CDATA[>')}]]>" if value else ""


def tags(told: Mapping[str, str]) -> str:
    """Elements with texts in them."""
    return "".join([f"<{name}>{words(value)}</{name}>" for name, value in told.items()])


async def call(line: Line, action: str, content: str) -> Element:
    """The answer to a request; faults are errors in the service's words."""
    envelope = ENVELOPE.format(instance=INSTANCE, token=await line.token(), content=content)
    answer = await line.send(
        "POST",
        f"https://{line.config['subdomain']}.soap.marketingcloudapis.com/Service.asmx",
        body=envelope.encode(),
        content_type="text/xml; charset=utf-8",
        headers={"SOAPAction": action},
        takes=(500,),
    )
    root = parsed(answer.body)
    if root is None:
        told = "Marketing Cloud did not answer in XML."
        raise Unavailable(told, in_doubt=True) if answer.status == 500 else InternalError(told)
    if fault := next(inside(root, "Fault"), None):
        said = text_of(fault, "faultstring") or "Marketing Cloud refused the request."
        raise AuthError(said) if "token" in said.lower() or "login" in said.lower() else BatchRejected(said)
    return root


async def retrieve(
    line: Line, kind: str, properties: tuple[str, ...], where: tuple[str, str] | None = None
) -> list[Element]:
    """The objects of a kind, all pages of them; ``where`` is a property and the value it has."""
    part = ""
    if where is not None:
        told = {"Property": where[0], "SimpleOperator": "equals", "Value": where[1]}
        part = tag("Filter", tags(told), kind="SimpleFilterPart")
    asked = tag("ObjectType", kind) + "".join(tag("Properties", name) for name in properties) + part
    found: list[Element] = []
    while True:
        content = tag("RetrieveRequestMsg", tag("RetrieveRequest", asked), space=API)
        root = await call(line, "Retrieve", content)
        status = text_of(root, "OverallStatus")
        if status not in ("OK", "MoreDataAvailable"):
            raise BatchRejected(status or "Marketing Cloud told no status.")
        found += inside(root, "Results")
        if status == "OK":
            return found
        asked = tag("ContinueRequest", words(text_of(root, "RequestID")))


def parsed(body: bytes) -> Element | None:
    """The element that an answer is, where it is one."""
    if b"<!DOCTYPE" in body:
        return None
    try:
        return ElementTree.fromstring(body)  # noqa: S314
    except ElementTree.ParseError:
        return None


def inside(element: Element, name: str) -> Iterator[Element]:
    """The elements with this name, at any depth."""
    return (each for each in element.iter() if each.tag.rpartition("}")[2] == name)


def text_of(element: Element, name: str) -> str:
    """The text of the first element with this name; empty where there is none."""
    return next((each.text or "" for each in inside(element, name)), "")
