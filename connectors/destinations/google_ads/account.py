"""The accounts of Google Ads that a person reaches, and what is read of them with queries.

https://developers.google.com/google-ads/api/docs/account-management/listing-accounts
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import lru_cache
from typing import Any

from connectors.sdk.errors import InternalError
from connectors.sdk.rest import Line, Record
from connectors.sdk.rest.api import MAX_PAGES
from connectors.sdk.types import Choice

CLIENTS = (
    "SELECT customer_client.id, customer_client.descriptive_name, customer_client.manager, customer_client.level "
    "FROM customer_client WHERE customer_client.status = 'ENABLED'"
)


def number(account: Any) -> str:
    """The account's number; the setting has a manager's before it, where the account is reached through one."""
    return str(account).rpartition("/")[2]


@lru_cache
def path(account: Any) -> str:
    """The path of the account."""
    return f"customers/{number(account)}"


def manager(account: Any) -> dict[str, str]:
    """The manager account that the caller signs in through."""
    return {"login-customer-id": str(account).partition("/")[0]}


async def post(line: Line, account: Any, where: str, body: Record) -> Any:
    """Send something to the account; its answer."""
    return (await line.send("POST", where, json=body, headers=manager(account))).json()


async def rows(line: Line, account: Any, query: str) -> AsyncIterator[Record]:
    """What a query finds, page by page."""
    body: Record = {"query": query}
    for _ in range(MAX_PAGES):
        answer = await post(line, account, f"{path(account)}/googleAds:search", body)
        for each in answer.get("results") or ():
            yield each
        if not answer.get("nextPageToken"):
            return
        body["pageToken"] = answer["nextPageToken"]
    raise InternalError("The answer to a query does not end.")


async def accounts(line: Line) -> list[Choice]:
    """The accounts that are reached directly, each followed by those under it."""
    told = await line.get("customers:listAccessibleCustomers")
    found: list[Choice] = []
    for root in (number(name) for name in told.get("resourceNames") or ()):
        where = f"customers/{root}/googleAds:search"
        # Accounts that were closed are listed all the same, and then refused.
        answer = await line.send("POST", where, json={"query": CLIENTS}, headers=manager(root), takes=(400, 403))
        if answer.ok:
            found += [choice(root, each["customerClient"]) for each in answer.json().get("results") or ()]
    return found


def choice(root: str, client: Record) -> Choice:
    """An account for the picker."""
    own = str(client["id"])
    name = client.get("descriptiveName") or "Without a name"
    kind = "Manager account" if client.get("manager") else ""
    return Choice(own if own == root else f"{root}/{own}", f"{name} ({own})", kind)
