"""Google Ads by its own interface: customer match lists, conversions of clicks, calls and shops, adjustments."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, ClassVar

from connectors.destinations.google_ads import account, conversions, failures, jobs
from connectors.destinations.google_ads.settings import (
    ADJUSTMENTS,
    CALL,
    CLICK,
    CUSTOM_VARIABLE,
    MEMBERS,
    SIGN_IN,
    STORE,
    VERSION,
    definition,
)
from connectors.sdk.audiences import AudienceThere, counted
from connectors.sdk.destination import DestinationField, Job, MatchStats
from connectors.sdk.errors import ConfigError
from connectors.sdk.rest import Api, Line, Place, Record, RestDestination, field
from connectors.sdk.types import Choice

LISTS = (
    "SELECT user_list.id, user_list.name FROM user_list "
    "WHERE user_list.type = 'CRM_BASED' AND user_list.read_only = FALSE"
)
SIZE = (
    "SELECT user_list.size_for_display, user_list.size_for_search, user_list.membership_status "
    "FROM user_list WHERE user_list.id = {}"
)
EVERY_LIST = (
    "SELECT user_list.id, user_list.name, user_list.description, user_list.type, user_list.membership_status, "
    "user_list.membership_life_span, user_list.size_for_display, user_list.size_for_search, "
    "user_list.eligible_for_display, user_list.eligible_for_search, user_list.read_only FROM user_list"
)
ACTIONS = (
    "SELECT conversion_action.id, conversion_action.name, conversion_action.type "
    "FROM conversion_action WHERE conversion_action.status = 'ENABLED'"
)
VARIABLES = (
    "SELECT conversion_custom_variable.id, conversion_custom_variable.name "
    "FROM conversion_custom_variable WHERE conversion_custom_variable.status = 'ENABLED'"
)


def size_of(found: Record) -> int | None:
    """Members that the display network knows; where Google does not say, the search network."""
    shown = counted(found.get("sizeForDisplay"))
    return counted(found.get("sizeForSearch")) if shown is None else shown


async def lists_in(line: Line, chosen: Any) -> AsyncIterator[Record]:
    """The account's customer lists that can be filled."""
    async for found in account.rows(line, chosen, LISTS):
        yield found["userList"]


async def find_list(line: Line, job: Job, name: str) -> str | None:
    """The id of the list with this name."""
    async for each in lists_in(line, job.settings["account"]):
        if each["name"] == name:
            return str(each["id"])
    return None


async def make_list(line: Line, job: Job, name: str) -> str:
    """A new list's id."""
    settings, kind = job.settings, job.settings["key_type"]
    info: Record = {"uploadKeyType": kind, "dataSourceType": "FIRST_PARTY"}
    if kind == "MOBILE_ADVERTISING_ID":
        if not settings.get("app_id"):
            raise ConfigError("A list of mobile IDs needs the app they come from.", field="app_id")
        info["appId"] = settings["app_id"]
    new = {"name": name, "membershipLifeSpan": int(settings["membership_days"]), "crmBasedUserList": info}
    where = f"{account.path(settings['account'])}/userLists:mutate"
    answer = await account.post(line, settings["account"], where, {"operations": [{"create": new}]})
    return account.number(answer["results"][0]["resourceName"])


LIST = Place(noun="list", discover="lists", find=find_list, make=make_list, depends=("account",))


class GoogleAdsDestination(RestDestination):
    """The accounts of Google Ads that a person reaches."""

    api = Api(
        base=lambda config: f"https://googleads.googleapis.com/{config.get('version') or VERSION}",
        version=VERSION,
        headers=lambda config: {"developer-token": config["developer_token"]},
        test=("GET", "customers:listAccessibleCustomers"),
        sign_in=SIGN_IN,
        codes=failures.CODES,
        says=failures.says,
    )
    definition = definition(LIST.settings)
    writers: ClassVar = {
        "customer_match": jobs.write_members,
        "click_conversions": conversions.write_clicks,
        "adjustments": conversions.write_adjustments,
        "call_conversions": conversions.write_calls,
        "store_sales": jobs.write_sales,
    }
    places: ClassVar = {"customer_match": LIST}

    def validate(self, job: Job) -> None:
        """Lists of one kind of ID take no other, and are of no use without."""
        if job.sync_type != "customer_match":
            return
        known = [each.name for each in MEMBERS[job.settings["key_type"]]]
        if not any(each.name in known for each in job.fields):
            raise ConfigError(f"Map at least one of {', '.join(known)}.", field="mappings")

    async def fields(self, sync_type: str, settings: Mapping[str, Any]) -> Sequence[DestinationField]:
        if sync_type == "customer_match":
            return MEMBERS[settings.get("key_type") or "CONTACT_INFO"]
        if sync_type == "adjustments":
            return ADJUSTMENTS[settings.get("adjustment_type") or "RESTATEMENT"]
        if sync_type == "store_sales":
            return STORE
        known = CALL if sync_type == "call_conversions" else CLICK
        return (*known, *(await self._variables(settings["account"]) if settings.get("account") else ()))

    async def _variables(self, chosen: Any) -> list[DestinationField]:
        """The account's custom conversion variables."""
        async with self.line() as line:
            found = [row["conversionCustomVariable"] async for row in account.rows(line, chosen, VARIABLES)]
        return [field(f"{CUSTOM_VARIABLE}{each['id']}", each["name"]) for each in found]

    async def accounts(self) -> list[Choice]:
        """The accounts, those under a manager account after it."""
        async with self.line() as line:
            return await account.accounts(line)

    async def lists(self, account: str) -> list[Choice]:
        """The account's customer lists."""
        async with self.line() as line:
            return [Choice(str(each["id"]), each["name"]) async for each in lists_in(line, account)]

    async def conversion_actions(self, account: str) -> list[Choice]:
        """The account's conversion actions."""
        return [
            Choice(str(each["id"]), each["name"], each["type"].replace("_", " ").capitalize())
            for each in await self._actions(account)
        ]

    async def _actions(self, chosen: str) -> list[Record]:
        async with self.line() as line:
            return [row["conversionAction"] async for row in account.rows(line, chosen, ACTIONS)]

    async def audiences_there(self) -> AsyncIterator[AudienceThere]:
        """The lists of every account; one that is reached in several ways is asked once."""
        async with self.line() as line:
            accounts = {account.number(each.value): each.value for each in await account.accounts(line)}
            for number, reached in accounts.items():
                async for row in account.rows(line, reached, EVERY_LIST):
                    each = row["userList"]
                    yield AudienceThere(
                        account=number, id=str(each["id"]), name=each["name"], size=size_of(each), told=each
                    )

    async def match_stats(self, job: Job) -> MatchStats | None:
        """How many members the display network knows; where Google does not say, the search network."""
        async with self.line() as line:
            query = SIZE.format(int(LIST.id_for(job)))
            async for found in account.rows(line, job.settings["account"], query):
                told = found["userList"]
                size = size_of(told)
                if size is None:
                    return None
                return MatchStats(matched=size, status=str(told.get("membershipStatus") or ""))
        return None
