"""The types of TDS 7.4 as bytes (MS-TDS, 2.2.5.4 to 2.2.5.6): what a stand-in sends, and reads of rows in bulk."""

from __future__ import annotations

import datetime as dt
import re
import struct
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

# Latin1_General_CI_AS; with the bit of UTF-8 it is what Fabric keeps text in.
COLLATION = struct.pack("<IB", 0x00D00409, 0)
UTF8 = struct.pack("<IB", 0x04D00409, 0)
_MAX = 0xFFFF
_EPOCH = dt.date(1, 1, 1)
_1900 = dt.datetime(1900, 1, 1)  # noqa: DTZ001 - the protocol knows no zone here
_NAMED = re.compile(r"(?P<name>\w+)(?:\((?P<first>max|\d+)(?:\s*,\s*(?P<second>\d+))?\))?", re.IGNORECASE)
Encode = Callable[[Any], bytes]


@dataclass(frozen=True)
class Kind:
    """A type by its name, as TYPE_INFO, and how a value that is not null is written."""

    name: str
    info: bytes
    encode: Encode
    null: bytes = b"\0"

    def value(self, value: Any) -> bytes:
        return self.null if value is None else self.encode(value)


def kind(named: str) -> Kind:
    """The type that T-SQL calls so."""
    found = _NAMED.fullmatch(named.strip())
    assert found, named
    name, first, second = _SAME.get(found["name"].lower(), found["name"].lower()), found["first"], found["second"]
    size = 0 if (first or "max").lower() == "max" else int(first or 0)
    return _made(named.lower(), name, size, bool(first), int(second or 0))


def _made(named: str, name: str, size: int, given: bool, scale: int) -> Kind:
    if name in _WHOLE:
        width, form = _WHOLE[name]
        return Kind(named, bytes((0x26, width)), lambda v: bytes([width]) + struct.pack(form, int(v)))
    if name in ("nvarchar", "nchar", "sysname"):
        return _text(named, 0xE7, size * 2 if given else 256, COLLATION, "utf-16-le")
    if name in ("varchar", "char"):
        return _text(named, 0xA7, size if given else 30, COLLATION, "cp1252")
    if name == "varchar_utf8":
        return _text(named, 0xA7, size, UTF8, "utf-8")
    if name in ("varbinary", "binary", "image"):
        return _bytes(named, size)
    if name in ("decimal", "numeric"):
        return _decimal(named, size or 18, scale)
    if name in _CLOCKS:
        return _clock(named, name, size if given else 7)
    return _SIMPLE[name]


def _text(named: str, code: int, size: int, collation: bytes, encoding: str) -> Kind:
    long = not 0 < size <= 8000
    info = struct.pack("<BH", code, _MAX if long else size) + collation
    encode: Encode = lambda v: str(v).encode(encoding)  # noqa: E731
    return Kind(named, info, _plp(encode), b"\xff" * 8) if long else Kind(named, info, _short(encode), b"\xff\xff")


def _bytes(named: str, size: int) -> Kind:
    info = struct.pack("<BH", 0xA5, size or _MAX)
    return Kind(named, info, _short(bytes), b"\xff\xff") if size else Kind(named, info, _plp(bytes), b"\xff" * 8)


def _short(encode: Encode) -> Encode:
    def written(value: Any) -> bytes:
        data = encode(value)
        return struct.pack("<H", len(data)) + data

    return written


def _plp(encode: Encode) -> Encode:
    """In chunks, here of 3,000 bytes, so that characters are cut in two."""

    def written(value: Any) -> bytes:
        data = encode(value)
        chunks = [data[i : i + 3001] for i in range(0, len(data), 3001)]
        return struct.pack("<Q", len(data)) + b"".join(struct.pack("<I", len(c)) + c for c in chunks) + bytes(4)

    return written


def _decimal(named: str, precision: int, scale: int) -> Kind:
    width = 5 if precision < 10 else 9 if precision < 20 else 13 if precision < 29 else 17

    def written(value: Any) -> bytes:
        sign, digits, exponent = Decimal(value).as_tuple()
        whole: int = int("".join(map(str, digits)) or "0")
        shift = scale + int(exponent)
        whole = int(whole * 10**shift) if shift >= 0 else round(Decimal(whole) / 10**-shift)
        return bytes((width, 0 if sign else 1)) + whole.to_bytes(width - 1, "little")

    return Kind(named, bytes((0x6A, width, precision, scale)), written)


_CLOCKS = ("time", "datetime2", "datetimeoffset")


def _clock(named: str, name: str, digits: int) -> Kind:
    width = 3 if digits < 3 else 4 if digits < 5 else 5

    def time(value: Any) -> bytes:
        micros = ((value.hour * 60 + value.minute) * 60 + value.second) * 1_000_000 + value.microsecond
        return int(micros * 10**digits // 1_000_000).to_bytes(width, "little")

    def moment(value: dt.datetime) -> bytes:
        return bytes([width + 3]) + time(value) + _day(value)

    def zoned(value: dt.datetime) -> bytes:
        utc = value.astimezone(dt.UTC)
        return bytes([width + 5]) + time(utc) + _day(utc) + struct.pack("<h", 120)

    if name == "time":
        return Kind(named, bytes((0x29, digits)), lambda v: bytes([width]) + time(v))
    if name == "datetime2":
        return Kind(named, bytes((0x2A, digits)), moment)
    return Kind(named, bytes((0x2B, digits)), zoned)


def _day(value: dt.date) -> bytes:
    return (dt.date(value.year, value.month, value.day) - _EPOCH).days.to_bytes(3, "little")


def _datetime(value: dt.datetime) -> bytes:
    since = value - _1900
    return b"\x08" + struct.pack("<iI", since.days, round(since.seconds * 300 + since.microseconds * 3 / 10_000))


def _smalldatetime(value: dt.datetime) -> bytes:
    since = value - _1900
    return b"\x04" + struct.pack("<HH", since.days, since.seconds // 60)


def _money(value: Any) -> bytes:
    ticks = int(Decimal(value) * 10_000)
    return b"\x08" + struct.pack("<iI", ticks >> 32, ticks & 0xFFFFFFFF)


def _b_text(text: str) -> bytes:
    return bytes([len(text)]) + text.encode("utf-16-le")


def _own(name: str) -> Kind:
    """A type in .NET, which stands for the bytes of its own."""
    info = b"\xf0\xff\xff" + _b_text("stand") + _b_text("sys") + _b_text(name) + struct.pack("<H", 3)
    return Kind(name, info + "a.b".encode("utf-16-le"), _plp(lambda v: str(v).encode()), b"\xff" * 8)


_SAME = {"integer": "int", "numeric": "decimal"}
_WHOLE = {"tinyint": (1, "<B"), "smallint": (2, "<h"), "int": (4, "<i"), "bigint": (8, "<q")}
_SIMPLE = {
    "bit": Kind("bit", b"\x68\x01", lambda v: bytes((1, bool(v)))),
    "real": Kind("real", b"\x6d\x04", lambda v: b"\x04" + struct.pack("<f", v)),
    "float": Kind("float", b"\x6d\x08", lambda v: b"\x08" + struct.pack("<d", v)),
    "money": Kind("money", b"\x6e\x08", _money),
    "smallmoney": Kind("smallmoney", b"\x6e\x04", lambda v: b"\x04" + struct.pack("<i", int(Decimal(v) * 10_000))),
    "uniqueidentifier": Kind("uniqueidentifier", b"\x24\x10", lambda v: b"\x10" + uuid.UUID(str(v)).bytes_le),
    "date": Kind("date", b"\x28", lambda v: b"\x03" + _day(v)),
    "datetime": Kind("datetime", b"\x6f\x08", _datetime),
    "smalldatetime": Kind("smalldatetime", b"\x6f\x04", _smalldatetime),
    "xml": Kind("xml", b"\xf1\0", _plp(lambda v: str(v).encode("utf-16-le")), b"\xff" * 8),
    "geography": _own("geography"),
    "hierarchyid": _own("hierarchyid"),
}


class Reader:
    """Bytes of a request, read in order."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, size: int) -> bytes:
        assert self.at + size <= len(self.data), "the request ends too early"
        self.at += size
        return self.data[self.at - size : self.at]

    def number(self, form: str) -> int:
        return int(struct.unpack(form, self.take(struct.calcsize(form)))[0])

    def text(self, characters: int) -> str:
        return self.take(characters * 2).decode("utf-16-le")

    def column(self) -> Callable[[], Any]:
        """TYPE_INFO of a column that comes, and what reads one of its values."""
        code = self.take(1)[0]
        if code in (0xE7, 0xA7):
            size, _ = self.number("<H"), self.take(5)
            encoding = "utf-16-le" if code == 0xE7 else "cp1252"
            return lambda: None if (data := self._data(size)) is None else data.decode(encoding)
        if code == 0xA5:
            size = self.number("<H")
            return lambda: self._data(size)
        if code == 0x26:
            self.take(1)
            return lambda: int.from_bytes(data, "little", signed=len(data) > 1) if (data := self._counted()) else None
        raise AssertionError(f"a type that nothing sends: {code:#x}")

    def _counted(self) -> bytes:
        return self.take(self.take(1)[0])

    def _data(self, size: int) -> bytes | None:
        if size != _MAX:
            length = self.number("<H")
            return None if length == _MAX else self.take(length)
        total = self.number("<Q")
        if total == 0xFFFFFFFFFFFFFFFF:
            return None
        data = b""
        while length := self.number("<I"):
            data += self.take(length)
        assert total in (len(data), 0xFFFFFFFFFFFFFFFE)
        return data
