"""What cases cannot hold: questions to the UID2 operator are encrypted anew each time."""

from __future__ import annotations

import base64
import json
from typing import Any, ClassVar

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from connectors.destinations.tradedesk import TradedeskDestination, ids, segments, settings, uid2
from connectors.sdk.errors import ConfigError, InternalError
from connectors.sdk.net import Response
from connectors.sdk.rest import Work
from connectors.sdk.types import Operation
from tests.connectors.kit.jobs import batch_of, job_for

SECRET = base64.b64encode(bytes(range(32))).decode()
CONFIG = {"uid2_key": "key-0815", "uid2_secret": SECRET, "uid2_operator": "https://prod.uidapi.com"}
DEFINITION = TradedeskDestination.definition
TYPES = {each.key: each for each in DEFINITION.sync_types}
# SHA-256 of user@example.com in Base64, as the UID2 documentation has it.
HASH = "tMmiiTI7IaAcPpQPFQ65uMVCWH8av9jw4cwf/F5HVRQ="


class Operator:
    """A UID2 operator: knows everybody but those that opted out."""

    def __init__(self, opted_out: tuple[str, ...] = (), nonce: bytes = b"") -> None:
        self.asked: list[Any] = []
        self._opted_out = opted_out
        self._nonce = nonce

    async def send(self, method: str, path: str, **told: Any) -> Response:
        assert (method, path) == ("POST", "https://prod.uidapi.com/v3/identity/map")
        assert told["headers"] == {"Authorization": "Bearer key-0815"}
        cipher, sealed = AESGCM(base64.b64decode(SECRET)), base64.b64decode(told["body"])
        assert sealed[:1] == b"\x01"
        plain = cipher.decrypt(sealed[1:13], sealed[13:], None)
        self.asked.append(question := json.loads(plain[16:]))
        body = {
            kind: [{"e": "optout"} if each in self._opted_out else {"u": f"uid2-{each}", "r": 1} for each in values]
            for kind, values in question.items()
        }
        answer = plain[:8] + (self._nonce or plain[8:16]) + json.dumps({"body": body, "status": "success"}).encode()
        start = bytes(12)
        return Response(200, {}, base64.b64encode(start + cipher.encrypt(start, answer, None)), path)


async def test_hashes_become_uid2s_and_each_is_asked_for_once() -> None:
    operator = Operator(opted_out=("b",))
    asked = [("email_hash", "a"), ("phone_hash", "b"), ("email_hash", "a")]
    found = await uid2.look_up(operator, CONFIG, asked)  # type: ignore[arg-type]
    assert found == {("email_hash", "a"): ("uid2-a", ""), ("phone_hash", "b"): ("", "optout")}
    assert operator.asked == [{"email_hash": ["a"], "phone_hash": ["b"]}]


async def test_nothing_is_asked_where_nobody_is_known_by_a_contact() -> None:
    operator = Operator()
    assert await uid2.look_up(operator, CONFIG, []) == {}  # type: ignore[arg-type]
    assert operator.asked == []


async def test_an_answer_to_another_question_is_refused() -> None:
    with pytest.raises(InternalError, match="another question"):
        await uid2.look_up(Operator(nonce=b"stranger"), CONFIG, [("email_hash", "a")])  # type: ignore[arg-type]


def test_an_answer_that_cannot_be_decrypted_is_refused() -> None:
    with pytest.raises(InternalError, match="cannot be decrypted"):
        uid2.Envelope(SECRET).opened(base64.b64encode(bytes(64)))


@pytest.mark.parametrize("secret", ["no key", base64.b64encode(b"short").decode()])
def test_a_secret_that_is_no_key_is_told(secret: str) -> None:
    with pytest.raises(ConfigError):
        uid2.Envelope(secret)


async def test_a_row_is_known_by_its_ids_and_by_the_uid2s_of_its_contacts() -> None:
    operator = Operator(opted_out=("Rx8SW4ZyKqbPypXmswDNuq0SPxStFXBTG/yvPns/2NQ=",))
    rows = [
        {"TDID": "t-1", "email": " User@Example.com", "phone": None},
        {"TDID": None, "email": "nobody", "phone": "+441234567890"},
    ]
    job = job_for(DEFINITION, {}, sync_type=TYPES["privacy"])
    work = Work(operator, job, batch_of(Operation.ADDED, rows), config=CONFIG)  # type: ignore[arg-type]
    first, second = await ids.whom(work, ("TDID",))
    assert first.ids == [("TDID", "t-1"), ("UID2", f"uid2-{HASH}")]
    assert first.result().message == ""
    assert not second.ids
    assert "No UID2 (optout)." in second.refusal.message
    assert "E-mail is not an e-mail address" in second.refusal.message


class Platform:
    """The Trade Desk's own interface, with one CRM segment and three segments that have “VIP” in their names."""

    config: ClassVar = {"advertiser_id": "adv1", "api_token": "token-0815"}

    def __init__(self) -> None:
        self.queries: list[str] = []

    async def send(self, method: str, path: str, *, json: Any = None, **told: Any) -> Response:
        assert told["headers"] == {"TTD-Auth": "token-0815"}
        if method == "GET":
            known = [{"CrmDataId": "c1", "SegmentName": 'The "VIP"', "Region": "US", "FirstPartyDataId": 78}]
            return answer({"Segments": [] if told["query"] else known, "PagingToken": "p"})
        assert path == "https://graph.test"
        self.queries.append(json["query"])
        nodes = [
            {"id": "76", "name": "VIP Customers 2", "activeUniques": {"idsCount": 10}},
            {"id": "77", "name": "VIP Customers", "activeUniques": {"idsCount": 20}},
            {"id": "78", "name": 'The "VIP"', "activeUniques": {"idsCount": 30}},
        ]
        return answer({"data": {"advertiser": {"firstPartyData": {"nodes": nodes}}}})


def answer(body: Any) -> Response:
    return Response(200, {}, json.dumps(body).encode(), "https://there.test")


async def test_the_active_ids_of_a_segment_are_found_by_its_name() -> None:
    job = job_for(DEFINITION, {}, sync_type=TYPES["first_party"])
    told = await segments.active(Platform(), job, "https://graph.test")  # type: ignore[arg-type]
    assert told is not None
    assert told.matched == 20


async def test_the_active_ids_of_a_crm_segment_are_found_by_its_number() -> None:
    platform = Platform()
    job = job_for(DEFINITION, {"segment_from": "existing", "segment": "c1"}, sync_type=TYPES["crm"])
    told = await segments.active(platform, job, "https://graph.test")  # type: ignore[arg-type]
    assert told is not None
    assert told.matched == 30
    assert r'contains: "The \"VIP\""' in platform.queries[0]


@pytest.mark.parametrize(
    ("sync_type", "config", "missing"),
    [
        ("crm", {"advertiser_id": "adv1"}, "API token"),
        ("privacy", {"advertiser_id": "adv1"}, "Advertiser secret key"),
        ("realtime", {"advertiser_id": "adv1"}, "UID2 API key"),
    ],
)
def test_a_connection_holds_what_its_syncs_need(sync_type: str, config: dict[str, str], missing: str) -> None:
    job = job_for(
        DEFINITION, {"segment_from": "new"} if sync_type == "crm" else {}, sync_type=TYPES[sync_type], fields=["email"]
    )
    with pytest.raises(ConfigError, match=missing):
        settings.validate(config, job)
