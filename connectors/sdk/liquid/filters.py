"""Filters beyond native Liquid, and native ones made exact: decimals never become floats, times are UTC."""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

import regex
from dateutil import parser as dates
from liquid.exceptions import LiquidError
from liquid.undefined import is_undefined

from connectors.sdk.liquid.json_text import parse_json
from connectors.sdk.rows import decimal_text, dumps

REGEX_TIMEOUT_S = 0.25
MOST_CHARS = 50_000_000  # that one row's template may make
MAX_DIGITS = 10_000
_EXACT = Context(prec=80)
_DIVISION = Context(prec=34)
_EMAIL = regex.compile(
    r"(?=.{1,254}\Z)(?=[^@]{1,64}@|\")"
    r"(?:[a-z0-9!#$%&'*+/=?^_`{|}~-]++(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]++)*+"
    r"|\"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\[\x20-\x7e])*+\")"
    r"@(?:(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
    r"|\[(?:\d{1,3}\.){3}\d{1,3}\])",
    regex.IGNORECASE,
)

Number = int | float | Decimal


class Refused(LiquidError):
    """A filter refuses the row's value; the message says why."""

    def __init__(self, message: str) -> None:
        super().__init__(message, token=None)


def text_of(value: Any) -> str:
    """A value as a filter's text input."""
    if value is None or is_undefined(value):
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return decimal_text(value)
    return dumps(value).decode() if isinstance(value, dict | list) else str(value)


def number_of(value: Any, *, strict: bool = False) -> Number:
    """A value as a number: text becomes a whole number or a decimal; nothing is 0 unless ``strict``."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float | Decimal):
        return value
    text = text_of(value).strip()
    if len(text) <= MAX_DIGITS:
        try:
            return int(text) if regex.fullmatch(r"[+-]?[0-9]+", text) else _finite(Decimal(text))
        except (InvalidOperation, ValueError):
            pass
    if strict:
        raise Refused(f"“{text[:100]}” is not a number.")
    return 0


def _finite(value: Decimal) -> Decimal:
    if not value.is_finite() or abs(value.adjusted()) > MAX_DIGITS:
        raise ValueError("not a finite number")
    return value


def _decimal(value: Number) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(str(value))


def _arithmetic(
    exact: Callable[[Decimal, Decimal], Decimal], whole: Callable[[int, int], int]
) -> Callable[..., Number]:
    def calculate(value: Any, other: Any = 0) -> Number:
        left, right = number_of(value), number_of(other)
        try:
            if isinstance(left, int) and isinstance(right, int):
                return _bounded(whole(left, right))
            result = exact(_decimal(left), _decimal(right))
        except (ZeroDivisionError, ArithmeticError) as error:
            raise Refused("The numbers cannot be combined: the divisor is zero or the result too large.") from error
        # Floats come back as floats only where no decimal took part.
        return result if isinstance(left, Decimal) or isinstance(right, Decimal) else float(result)

    return calculate


def _bounded(value: int) -> int:
    if value.bit_length() > MAX_DIGITS * 4:
        raise OverflowError("too many digits")
    return value


def _rounded(value: Any, digits: Any = 0) -> Number:
    number = number_of(value)
    places = int(number_of(digits))
    if isinstance(number, int):
        return number
    if isinstance(number, float) and not math.isfinite(number):
        raise Refused("The number is not finite.")
    step = Decimal(1).scaleb(-min(max(places, 0), 60))
    result = _decimal(number).quantize(step, rounding=ROUND_HALF_UP, context=_EXACT)
    if places <= 0:
        return int(result)
    return result if isinstance(number, Decimal) else float(result)


def _absolute(value: Any) -> Number:
    number = number_of(value)
    return -number if number < 0 else number


def _at_least(value: Any, other: Any = 0) -> Number:
    return max(number_of(value), number_of(other))


def _at_most(value: Any, other: Any = 0) -> Number:
    return min(number_of(value), number_of(other))


def _ceil(value: Any) -> int:
    return math.ceil(number_of(value))


def _floor(value: Any) -> int:
    return math.floor(number_of(value))


def _cast(value: Any, kind: Any = "") -> Any:
    if value is None or is_undefined(value):
        return None
    if kind == "string":
        return text_of(value)
    if kind == "number":
        return number_of(value, strict=True)
    if kind == "boolean":
        return _boolean(value)
    raise Refused("cast needs 'string', 'number' or 'boolean'.")


def _boolean(value: Any) -> bool:
    word = text_of(value).strip().lower()
    if word in ("true", "t", "yes", "y", "on", "1", "1.0"):
        return True
    if word in ("false", "f", "no", "n", "off", "0", "0.0", ""):
        return False
    raise Refused(f"“{word[:100]}” is neither true nor false.")


def _includes(value: Any, part: Any = "") -> Any:
    found = part in value if isinstance(value, list) else text_of(part) in text_of(value)
    if not found:
        raise Refused(f"The value does not contain “{text_of(part)[:100]}”.")
    return value


def _regex_test(value: Any, pattern: Any = "") -> Any:
    if not _matched(lambda: _pattern(text_of(pattern)).search(text_of(value), timeout=REGEX_TIMEOUT_S)):
        raise Refused(f"The value does not match the pattern “{text_of(pattern)[:100]}”.")
    return value


def _regex_replace(value: Any, pattern: Any = "", replacement: Any = "") -> str:
    plain = text_of(replacement).replace("\\", r"\\")
    template = regex.sub(r"\$(\d+|&)", lambda m: rf"\g<{0 if m[1] == '&' else m[1]}>", plain)
    made = _Made(template)
    return str(_matched(lambda: _pattern(text_of(pattern)).sub(made, text_of(value), timeout=REGEX_TIMEOUT_S)))


class _Made:
    """What stands in place of each match; refused where all of them together grow too long."""

    def __init__(self, template: str) -> None:
        self._template = template
        self._left = MOST_CHARS

    def __call__(self, match: regex.Match[str]) -> str:
        text = match.expand(self._template)
        self._left -= len(text)
        if self._left < 0:
            raise Refused(f"The template makes a text of more than {MOST_CHARS:,} characters for one row.")
        return text


def _matched(run: Callable[[], Any]) -> Any:
    try:
        return run()
    except TimeoutError as error:
        raise Refused("The pattern took too long for this value.") from error
    except (regex.error, IndexError) as error:
        raise Refused(f"The pattern is not valid: {error}.") from error


@lru_cache(maxsize=512)
def _pattern(source: str) -> regex.Pattern[str]:
    return regex.compile(source)


def _validate_email(value: Any) -> str:
    text = text_of(value)
    if not _EMAIL.fullmatch(text):
        raise Refused(f"“{text[:100]}” is not an e-mail address.")
    return text


def _hashed(algorithm: str) -> Callable[[Any], str]:
    def digest(value: Any) -> str:
        return hashlib.new(algorithm, text_of(value).encode(), usedforsecurity=False).hexdigest()

    return digest


def _base64_encode(value: Any) -> str:
    return base64.b64encode(text_of(value).encode()).decode()


def _base64_decode(value: Any) -> str:
    text = text_of(value).strip()
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode()
    except ValueError as error:
        raise Refused("The value is not base 64 text.") from error


def _parse(value: Any) -> Any:
    if not isinstance(value, str):
        return None if is_undefined(value) else value
    try:
        return parse_json(value)
    except ValueError as error:
        raise Refused("The value is not JSON.") from error


def _json(value: Any, *_: Any) -> str:
    return dumps(None if is_undefined(value) else value).decode()


def _json_construct(value: Any, *pairs: Any) -> dict[str, Any]:
    # Written with or without a value in front of the pipe: `{{ '' | json_construct: 'a', 1 }}`.
    if len(pairs) % 2:
        raise Refused("json_construct needs pairs of names and values.")
    base = dict(value) if isinstance(value, dict) else {}
    return base | {text_of(k): None if is_undefined(v) else v for k, v in zip(pairs[::2], pairs[1::2], strict=True)}


def _push(value: Any, item: Any = None) -> list[Any]:
    if value is None or is_undefined(value):
        return [item]
    if not isinstance(value, list | tuple):
        raise Refused("push needs an array.")
    return [*value, item]


def _null_if_empty(value: Any) -> Any:
    return None if is_undefined(value) or value == "" else value


def _camelcase(value: Any) -> str:
    words = regex.findall(r"\p{Lu}?[\p{Ll}\p{Lo}]+|\p{Lu}+(?!\p{Ll})|\d+", text_of(value))
    return "".join(w.lower() if i == 0 else w[:1].upper() + w[1:].lower() for i, w in enumerate(words))


def moment_of(value: Any) -> datetime | date:
    """A value as a moment in UTC, or as a day; text in any common form, numbers as Unix seconds."""
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return value
    text = text_of(value).strip()
    try:
        if regex.fullmatch(r"-?\d{9,13}(?:\.\d+)?|-?\d{1,3}|\d{5,7}", text):
            seconds = float(text)
            return datetime.fromtimestamp(seconds / 1000 if abs(seconds) >= 1e11 else seconds, UTC)
        return _parsed(text)
    except (ValueError, OverflowError, OSError) as error:
        raise Refused(f"“{text[:100]}” is not a date.") from error


@lru_cache(maxsize=4096)
def _parsed(text: str) -> datetime | date:
    if regex.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        return date.fromisoformat(text)
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        # Missing parts are taken from here rather than from today, so that a value always means the same.
        parsed = dates.parse(text, default=datetime(1970, 1, 1))  # noqa: DTZ001 - the text may name a zone of its own
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _instant(value: Any) -> datetime:
    moment = moment_of(value)
    return moment if isinstance(moment, datetime) else datetime.combine(moment, time.min, UTC)


def _to_date(value: Any) -> str | None:
    if value is None or is_undefined(value) or value == "":
        return None
    moment = moment_of(value)
    if isinstance(moment, datetime):
        return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return moment.isoformat()


def _to_unix(value: Any) -> int | None:
    if value is None or is_undefined(value) or value == "":
        return None
    return math.floor(_instant(value).timestamp())


def _date(value: Any, form: Any = "") -> str:
    if value is None or is_undefined(value) or value == "":
        return ""
    if value in ("now", "today"):
        moment = datetime.now(UTC)
    else:
        try:
            moment = _instant(value)
        except Refused:
            return text_of(value)  # as native Liquid does
    seconds = str(math.floor(moment.timestamp()))
    # strftime's own %s goes by the machine's zone.
    pattern = regex.sub(r"(?<!%)((?:%%)*)%s", rf"\g<1>{seconds}", text_of(form))
    return moment.strftime(pattern) if pattern else text_of(value)


def _user(value: Any) -> str:
    """Marks an address, for chat tools to put their user in its place when the message is written."""
    return f"\ue000{text_of(value).strip()}\ue001"


FILTERS: dict[str, Callable[..., Any]] = {
    "MD5": _hashed("md5"),
    "abs": _absolute,
    "at_least": _at_least,
    "at_most": _at_most,
    "b64_decode": _base64_decode,
    "b64_encode": _base64_encode,
    "base64_decode": _base64_decode,
    "base64_encode": _base64_encode,
    "camelcase": _camelcase,
    "cast": _cast,
    "ceil": _ceil,
    "date": _date,
    "divided_by": _arithmetic(_DIVISION.divide, lambda a, b: a // b),
    "floor": _floor,
    "includes": _includes,
    "json": _json,
    "json_construct": _json_construct,
    "mattermost_user_lookup": _user,
    "md5": _hashed("md5"),
    "minus": _arithmetic(_EXACT.subtract, lambda a, b: a - b),
    "modulo": _arithmetic(lambda a, b: a - b * (a / b).to_integral_value("ROUND_FLOOR"), lambda a, b: a % b),
    "null_if_empty": _null_if_empty,
    "parse": _parse,
    "plus": _arithmetic(_EXACT.add, lambda a, b: a + b),
    "push": _push,
    "regex_replace": _regex_replace,
    "regex_test": _regex_test,
    "round": _rounded,
    "slack_user_lookup": _user,
    "sha256": _hashed("sha256"),
    "sha512": _hashed("sha512"),
    "times": _arithmetic(_EXACT.multiply, lambda a, b: a * b),
    "to_date": _to_date,
    "to_unix": _to_unix,
    "validate_email": _validate_email,
}
