"""What Google Ads says of a request, or of single parts of it.

https://developers.google.com/google-ads/api/docs/best-practices/partial-failures
"""

from __future__ import annotations

from functools import partial
from typing import Any

from connectors.sdk.destination import ACCEPTED, RowResult, rejected
from connectors.sdk.errors import AuthError, RateLimited, Unavailable
from connectors.sdk.rest import ErrorCodes, Record
from connectors.sdk.rest.api import at

TERMS = "Accept the customer data terms in Google Ads (Goals → Settings), then run again."
THERE = {
    *("CLICK_CONVERSION_ALREADY_EXISTS", "CALL_CONVERSION_ALREADY_EXISTS", "ORDER_ID_ALREADY_IN_USE"),
    *("RESTATEMENT_ALREADY_EXISTS", "CONVERSION_ALREADY_ENHANCED", "CONVERSION_ALREADY_RETRACTED"),
}


def errors_in(status: Any) -> list[Record]:
    """The single errors of a status."""
    return [each for detail in (status or {}).get("details") or () for each in detail.get("errors") or ()]


def code_of(error: Record) -> str:
    """Google's name of an error: ``EXPIRED_EVENT``."""
    return str(next(iter((error.get("errorCode") or {}).values()), ""))


def words_of(error: Record) -> str:
    """Google's words with the name to look up."""
    return f"{str(error.get('message') or '')[:300]} ({code_of(error)})"


def says(answer: Any) -> str:
    """Google's words for a request that was refused as a whole."""
    error = answer["error"]
    return "; ".join([words_of(each) for each in errors_in(error)[:5]] or [str(error["message"])])


def results(parts: int, status: Any) -> list[RowResult]:
    """What became of each part of a request; what Google has already counts as taken."""
    told = [ACCEPTED] * parts
    for error in errors_in(status):
        elements: Any = at(error, "location.fieldPathElements") or ({},)
        place = int(elements[0].get("index") or 0)
        if place < parts and told[place] is ACCEPTED:
            known = code_of(error) in THERE
            told[place] = RowResult(True, "Google has it already.", "known") if known else rejected(words_of(error))
    return told


CODES = ErrorCodes(
    find=lambda answer: next((code_of(each) for each in errors_in(answer.get("error"))), None),
    meanings={
        "CUSTOMER_NOT_ACCEPTED_CUSTOMER_DATA_TERMS": partial(AuthError, hint=TERMS),
        "CONCURRENT_MODIFICATION": Unavailable,
        "RESOURCE_EXHAUSTED": RateLimited,
        "RESOURCE_TEMPORARILY_EXHAUSTED": RateLimited,
    },
)
