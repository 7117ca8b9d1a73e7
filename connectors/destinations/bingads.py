"""Microsoft Advertising (Bing Ads): people in customer lists, and offline conversions.

https://learn.microsoft.com/advertising/campaign-management-service/applycustomerlistuserdata,
https://learn.microsoft.com/advertising/campaign-management-service/applyofflineconversions and
https://learn.microsoft.com/advertising/guides/operation-error-codes
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, ClassVar

from connectors.sdk import people
from connectors.sdk.audiences import AudienceThere, counted
from connectors.sdk.destination import (
    DestinationDefinition,
    DestinationField,
    Job,
    Limits,
    MatchStats,
    RowResult,
    SyncType,
    rejected,
)
from connectors.sdk.errors import AuthError, ConnectorError, Gone, RateLimited
from connectors.sdk.fields import SPLIT_RETRY, Select, Text
from connectors.sdk.modes import insert, members
from connectors.sdk.people import HASHING, PHONE_COUNTRY, Identifier, Person, sent_together
from connectors.sdk.rest import (
    Api,
    ErrorCodes,
    Line,
    OAuthApp,
    Place,
    Record,
    RestDestination,
    Results,
    Work,
    by_index,
    field,
    missing,
)
from connectors.sdk.rest.times import moment
from connectors.sdk.types import Choice, Verification

CUSTOMERS = "https://clientcenter.api.bingads.microsoft.com/CustomerManagement/v13"
OWN_KINDS = "RemarketingList Custom CombinedList CustomerList ImpressionBasedRemarketingList"
OLDEST = timedelta(days=90)
TERMS = "Make a customer list in Microsoft Advertising and accept the terms there, then run again."
EMAIL = Identifier(name="Email", label="E-mail", normal=people.email)
HASHED = (
    Identifier(name="HashedEmailAddress", label="E-mail", normal=people.email),
    Identifier(name="HashedPhoneNumber", label="Phone", phone=True),
)
EVENT = (
    field("MicrosoftClickId", "Microsoft Click ID", required=True, description="The msclkid of the click."),
    field("ConversionTime", "Time", "moment", description="Left out, it is when the run began."),
    field("ConversionValue", "Value", "number"),
    field("ConversionCurrencyCode", "Currency", description="Three letters, such as USD."),
    field("ExternalAttributionCredit", "External attribution credit", "number", description="From 0 to 1."),
    field("ExternalAttributionModel", "External attribution model"),
)


async def accounts_in(line: Line) -> list[Record]:
    """The accounts that the person reaches."""
    user = (await line.post(f"{CUSTOMERS}/User/Query", {"UserId": None}))["User"]["Id"]
    body = {
        "Predicates": [{"Field": "UserId", "Operator": "Equals", "Value": str(user)}],
        "PageInfo": {"Index": 0, "Size": 1_000},
    }
    return (await line.post(f"{CUSTOMERS}/Accounts/Search", body))["Accounts"] or []


def known_as(account: Record) -> str:
    """The account as settings have it: its customer before it."""
    return f"{account['ParentCustomerId']}/{account['Id']}"


def scope(account: Any) -> dict[str, str]:
    """The customer and the account, which the setting has both."""
    customer, _, own = str(account).partition("/")
    return {"CustomerId": customer, "CustomerAccountId": own}


async def post(line: Line, account: Any, path: str, body: Record) -> Any:
    """Send something to an account; its answer."""
    return (await line.send("POST", path, json=body, headers=scope(account))).json()


async def lists(line: Line, account: Any, kinds: str = "CustomerList") -> list[Record]:
    """The customer lists that the account can use, or its audiences of some other kinds."""
    told = await post(line, account, "Audiences/QueryByIds", {"AudienceIds": None, "Type": kinds})
    return told["Audiences"] or []


def size_of(audience: Record) -> int | None:
    """Whom Microsoft can show advertisements to in searches; where it does not say, elsewhere."""
    shown = counted(audience.get("SearchSize"))
    return counted(audience.get("AudienceNetworkSize")) if shown is None else shown


async def find_list(line: Line, job: Job, name: str) -> str | None:
    """The id of the list with this name."""
    found = await lists(line, job.settings["account"])
    return next((str(each["Id"]) for each in found if each["Name"] == name), None)


async def make_list(line: Line, job: Job, name: str) -> str:
    """A new list's id."""
    account, shared = job.settings["account"], job.settings["share"] == "Customer"
    parent = scope(account)["CustomerId" if shared else "CustomerAccountId"]
    new = {"Type": "CustomerList", "Name": name, "Scope": job.settings["share"], "ParentId": parent}
    told = await post(line, account, "Audiences", {"Audiences": [new]})
    refused(told)
    return str(told["AudienceIds"][0])


def refused(told: Record) -> None:
    """Raises what Microsoft says of the one thing that a request was for."""
    for error in told.get("PartialErrors") or ():
        raise MEANINGS.get(int(error["Code"]), AuthError)(words(error))


def words(error: Record) -> str:
    """Microsoft's words with the code to look up."""
    return f"{str(error.get('Message') or error.get('ErrorCode') or '')[:300]} ({error['Code']})"


LIST = Place(noun="audience", discover="audiences", find=find_list, make=make_list, depends=("account",))


def results(parts: int, told: Record) -> list[RowResult]:
    """Every part was taken but those that an error names by place."""
    return by_index(parts, ((int(each["Index"]), words(each)) for each in told.get("PartialErrors") or ()))


async def write_audience(work: Work) -> Results:
    """Up to 1,000 people a request; Microsoft answers for each."""

    def make(record: Record, person: Person, made: str) -> str | None:
        return person.first(EMAIL.name) or None

    async def send(items: list[str]) -> Results:
        data = {
            "ActionType": "Remove" if work.leaving else "Add",
            "AudienceId": work.place,
            "CustomerListItemSubType": "Email",
            "CustomerListItems": items,
        }
        told = await post(
            work.line, work.settings["account"], "CustomerListUserData/Apply", {"CustomerListUserData": data}
        )
        return results(len(items), told)

    return await sent_together(work, (EMAIL,), make, send)


async def write_events(work: Work) -> Results:
    """Up to 1,000 conversions a request; Microsoft answers for each."""

    def make(record: Record, person: Person, made: str) -> Record | RowResult:
        return missing(record, "MicrosoftClickId") or conversion(work, record, person)

    async def send(conversions: list[Record]) -> Results:
        told = await post(
            work.line, work.settings["account"], "OfflineConversions/Apply", {"OfflineConversions": conversions}
        )
        return results(len(conversions), told)

    return await sent_together(work, HASHED, make, send)


def conversion(work: Work, record: Record, person: Person) -> Record | RowResult:
    """A conversion as Microsoft takes it, or why it would refuse it."""
    happened = moment(record.get("ConversionTime") or work.job.started_at, field="ConversionTime")
    if work.job.started_at - happened > OLDEST:
        return rejected(f"Microsoft takes no conversions older than {OLDEST.days} days.", field="ConversionTime")
    known = {each.name: record[each.name] for each in EVENT if record.get(each.name) is not None}
    return {
        **known,
        "MicrosoftClickId": str(record["MicrosoftClickId"]),
        "ConversionName": work.settings["goal"],
        "ConversionTime": f"{happened:%Y-%m-%dT%H:%M:%SZ}",
        **{each.name: person.first(each.name) for each in HASHED if person.first(each.name)},
    }


def errors_in(answer: Any) -> list[Record]:
    """What a request was refused for, wherever Microsoft puts it."""
    found = [each for name in ("Errors", "OperationErrors", "BatchErrors") for each in answer.get(name) or ()]
    return [each for each in found if "Code" in each]


MEANINGS: Mapping[int, Callable[[str], ConnectorError]] = {
    **dict.fromkeys((105, 106, 109, 110, 120), AuthError),
    **dict.fromkeys((117, 207), RateLimited),
    8003: partial(AuthError, hint=TERMS),
    4835: partial(Gone, hint="The audience is no longer there: choose another one, or make a new sync."),
}
API = Api(
    base="https://campaign.api.bingads.microsoft.com/CampaignManagement/v13",
    version="v13",
    headers=lambda config: {"DeveloperToken": config["developer_token"]},
    sign_in=OAuthApp(
        page="https://login.microsoftonline.com/common/oauth2/v2.0/authorize",
        tokens="https://login.microsoftonline.com/common/oauth2/v2.0/token",
        scopes=("https://ads.microsoft.com/msads.manage", "offline_access"),
        app="Microsoft Entra admin center → App registrations (accounts in any directory, and personal ones)",
    ),
    codes=ErrorCodes(
        find=lambda answer: next((int(each["Code"]) for each in errors_in(answer)), None), meanings=MEANINGS
    ),
    says=lambda answer: "; ".join([words(each) for each in errors_in(answer)[:5]]) or str(answer["message"]),
)
ACCOUNT = Select(name="account", label="Account", discover="accounts")
PACE = Limits(batch_rows=1_000, batch_bytes=2_000_000, concurrency=2, timeout_s=120)


class BingadsDestination(RestDestination):
    """The accounts that a person at Microsoft Advertising reaches."""

    api = API
    definition = DestinationDefinition(
        key="bingads",
        name="Microsoft Advertising (Bing Ads)",
        category="Advertising",
        summary="People in customer lists, and offline conversions.",
        docs_url="docs/destinations/bingads.md",
        fields=(
            Text(
                name="developer_token",
                label="Developer token",
                help="Microsoft Advertising developer portal → Account.",
                secret=True,
            ),
            *API.sign_in.fields,
        ),
        connects=API.sign_in.connects,
        verification=Verification.DOCS,
        safe_to_resync=False,
        lists_audiences=True,
        sync_types=(
            SyncType(
                key="events",
                name="Events",
                description="Offline conversions of a goal, once a row.",
                modes=(insert("conversions", idempotent=True),),
                settings=(
                    ACCOUNT,
                    Select(name="goal", label="Conversion goal", discover="goals", depends=("account",)),
                    HASHING,
                    PHONE_COUNTRY,
                    SPLIT_RETRY,
                ),
                limits=PACE,
                split_retry=True,
            ),
            SyncType(
                key="audience",
                name="Audience",
                description="Members of a customer list.",
                modes=members("audience", by_values=True),
                settings=(
                    ACCOUNT,
                    *LIST.settings,
                    Select(
                        name="share",
                        label="A new audience is for",
                        default="Customer",
                        choices=(Choice("Customer", "All accounts"), Choice("Account", "This account only")),
                    ),
                    HASHING,
                    SPLIT_RETRY,
                ),
                limits=PACE,
                split_retry=True,
                match_stats=True,
            ),
        ),
    )
    writers: ClassVar = {"audience": write_audience, "events": write_events}
    places: ClassVar = {"audience": LIST}

    async def check(self) -> None:
        async with self.line() as line:
            await line.post(f"{CUSTOMERS}/User/Query", {"UserId": None})

    async def fields(self, sync_type: str, settings: Mapping[str, Any]) -> Sequence[DestinationField]:
        return (EMAIL.member,) if sync_type == "audience" else (*EVENT, *(each.field for each in HASHED))

    async def accounts(self) -> list[Choice]:
        """The accounts that the person reaches."""
        async with self.line() as line:
            return [Choice(known_as(each), f"{each['Name']} ({each['Number']})") for each in await accounts_in(line)]

    async def audiences(self, account: str) -> list[Choice]:
        """The customer lists that the account can use."""
        async with self.line() as line:
            return [Choice(str(each["Id"]), each["Name"]) for each in await lists(line, account)]

    async def goals(self, account: str) -> list[Choice]:
        """The account's goals for offline conversions, which conversions name."""
        body = {"ConversionGoalIds": None, "ConversionGoalTypes": "OfflineConversion"}
        async with self.line() as line:
            told = await post(line, account, "ConversionGoals/QueryByIds", body)
        return [Choice(each["Name"], each["Name"]) for each in told["ConversionGoals"] or ()]

    async def audiences_there(self) -> AsyncIterator[AudienceThere]:
        """The accounts' own audiences of every kind; not those that Microsoft offers to everybody."""
        async with self.line() as line:
            accounts = [each for each in await accounts_in(line) if each.get("AccountLifeCycleStatus") == "Active"]
            for account in accounts:
                for each in await lists(line, known_as(account), OWN_KINDS):
                    yield AudienceThere(
                        account=str(account["Id"]),
                        id=str(each["Id"]),
                        name=each["Name"],
                        size=size_of(each),
                        told=each,
                    )

    async def match_stats(self, job: Job) -> MatchStats | None:
        """How many people Microsoft can show advertisements to in searches; where it does not say, elsewhere."""
        body = {"AudienceIds": [LIST.id_for(job)], "Type": "CustomerList"}
        async with self.line() as line:
            told = await post(line, job.settings["account"], "Audiences/QueryByIds", body)
        found = next(iter(told["Audiences"] or ()), None) or {}
        size = size_of(found)
        return None if size is None else MatchStats(matched=size)
