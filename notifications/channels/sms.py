"""Text messages through a gateway that speaks Twilio's API, which the operator pays for."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from connectors.sdk.errors import InternalError
from connectors.sdk.fields import Text
from connectors.sdk.net import Request, Response
from notifications.channels.base import TIMEOUT_S, ChannelType, post
from notifications.message import Message, shortened

MAX_CHARS = 300


def text_of(message: Message) -> str:
    """Title, summary and link, in few enough characters for two or three parts."""
    room = MAX_CHARS - len(message.url) - 1
    return f"{shortened(f'{message.title}. {message.summary}', max(60, room))} {message.url}".strip()


def _send(values: Mapping[str, Any], message: Message) -> str:
    account, token, sender = values["account_sid"], values["auth_token"], values["sender"]
    by = "MessagingServiceSid" if sender.startswith("MG") else "From"
    basic = base64.b64encode(f"{account}:{token}".encode()).decode()
    request = Request(
        "POST",
        f"{values['base_url'].rstrip('/')}/2010-04-01/Accounts/{quote(account, safe='')}/Messages.json",
        {"Content-Type": "application/x-www-form-urlencoded", "Authorization": f"Basic {basic}"},
        urlencode({"To": values["number"], by: sender, "Body": text_of(message)}).encode(),
        TIMEOUT_S,
    )
    return post(request, secrets=(token, basic), judge=_answer)


def _answer(response: Response) -> str:
    answer = response.json()
    sid = answer.get("sid") if isinstance(answer, dict) else None
    if not sid:
        raise InternalError(f"The gateway did not say that it took the message: {response.sample()}")
    return str(sid)


SMS = ChannelType(
    key="sms",
    name="Text message",
    icon="smartphone",
    about="To one phone, through your own Twilio account or a gateway with the same API.",
    duplicates="The gateway has no way to join copies: after a crash in mid-sending a text may arrive twice.",
    fields=(
        Text(
            name="number",
            label="To",
            pattern=r"\+[1-9]\d{6,14}",
            pattern_hint="a number with + and country code, without spaces",
            placeholder="+4915112345678",
        ),
        Text(
            name="sender",
            label="From",
            pattern=r"\+[1-9]\d{6,14}|MG[0-9a-fA-F]{32}|[A-Za-z0-9 ]{1,11}",
            pattern_hint="a number, a sender name of at most 11 characters, or a messaging service (MG…)",
        ),
        Text(name="account_sid", label="Account", placeholder="AC…", help="Twilio's Account SID."),
        Text(name="auth_token", label="Auth token", secret=True),
        Text(
            name="base_url",
            label="Gateway address",
            default="https://api.twilio.com",
            help="Twilio's own, or that of a gateway with the same API.",
        ),
    ),
    deliver=_send,
    target=lambda config: config["number"],
)
