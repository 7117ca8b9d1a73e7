"""MongoDB: rows become documents of a collection, matched by their ID or by a field with a unique index."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any, TypeVar

from connectors.destinations.mongodb.session import ID, DocumentSession
from connectors.sdk.destination import (
    Destination,
    DestinationDefinition,
    DestinationField,
    Job,
    Limits,
    Removal,
    Shape,
    SyncType,
)
from connectors.sdk.drivers import driver
from connectors.sdk.errors import AuthError, ConfigError, Gone
from connectors.sdk.fields import TUNNEL, Field, Number, Select, Text, Toggle, When
from connectors.sdk.modes import update, upsert
from connectors.sdk.mongodb import PACKAGE, PORT, Database, Server, connected
from connectors.sdk.server_settings import authority
from connectors.sdk.types import Choice, ColumnType, Verification

T = TypeVar("T")
_LOOKED_AT = 100  # documents whose fields are offered
_ASK_S = 30.0
_PARTS = When(field="at", values=("parts",))
_EXISTS = 48
_TYPES = {
    **dict.fromkeys(("str", "bytes", "Binary", "ObjectId"), ColumnType.STRING),
    **dict.fromkeys(("int", "Int64", "float", "Decimal128"), ColumnType.NUMBER),
    "bool": ColumnType.BOOLEAN,
    "DatetimeMS": ColumnType.TIMESTAMP,
    **dict.fromkeys(("dict", "list"), ColumnType.OBJECT),
}
_FIELDS: tuple[Field, ...] = (
    Select(
        name="at",
        label="Where it is",
        default="parts",
        style="cards",
        choices=(
            Choice("parts", "Host, user and password"),
            Choice("uri", "Connection string", "An address that begins with mongodb:// or mongodb+srv://."),
        ),
    ),
    Text(
        name="uri",
        label="Connection string",
        help="As your deployment shows it under Connect → Drivers, with the password put in.",
        secret=True,
        when=When(field="at", values=("uri",)),
    ),
    Text(name="host", label="Host", placeholder="cluster0.abcde.mongodb.net", max_length=253, when=_PARTS),
    Toggle(
        name="srv",
        label="The host is a seed list",
        help="Switch on where the address of your deployment begins with mongodb+srv://, as on Atlas. Then no port is "
        "needed: the members are looked up.",
        when=_PARTS,
    ),
    Number(name="port", label="Port", default=PORT, minimum=1, maximum=65_535, required=False, when=_PARTS),
    Text(name="database", label="Database", max_length=63),
    Text(name="user", label="User", required=False, max_length=500, when=_PARTS),
    Text(name="password", label="Password", required=False, secret=True, when=_PARTS),
    Text(
        name="auth_source",
        label="Database of the user",
        help="Where the user was made. Left out, the database “admin”.",
        required=False,
        max_length=63,
        when=_PARTS,
    ),
    Toggle(
        name="tls",
        label="Encrypt with TLS",
        help="And check the server's certificate.",
        default=True,
        group="Security",
        when=_PARTS,
    ),
    replace(authority(_PARTS), when=None),
    TUNNEL,
    Toggle(
        name="direct",
        label="Only this server",
        help="Do not look for other members of its replica set. For a primary that is reached under another name than "
        "it has among them.",
        group="Network",
        when=_PARTS,
    ),
)
_DOCUMENTS = SyncType(
    key="documents",
    name="Documents",
    description="Rows of a model become documents of a collection, matched by their _id or by a field that is unique.",
    modes=(
        upsert(Removal.CLEAR, Removal.DELETE, noun="documents"),
        update(Removal.CLEAR, Removal.DELETE, noun="documents"),
    ),
    settings=(
        Text(
            name="collection",
            label="Collection",
            help="One that does not exist is made by the first run.",
            discover="collections",
            max_length=200,
        ),
        Select(
            name="id_type",
            label="Where _id is mapped",
            default="value",
            style="cards",
            choices=(
                Choice("value", "_id is the value", "A text, number or moment, as in the model."),
                Choice("object_id", "_id is an ObjectId", "Of 24 hexadecimal digits in the model."),
            ),
        ),
    ),
    limits=Limits(batch_rows=2_000, batch_bytes=16_000_000, concurrency=2, timeout_s=60.0),
    custom_fields=True,
)


class MongodbDestination(Destination):
    """One database of a deployment."""

    definition = DestinationDefinition(
        key="mongodb",
        name="MongoDB",
        category="Databases",
        summary="Keep the documents of a collection in step with a model.",
        docs_url="docs/destinations/mongodb.md",
        fields=_FIELDS,
        verification=Verification.EMULATOR,
        sync_types=(_DOCUMENTS,),
    )

    async def check(self) -> None:
        """List collections."""
        await self.collections()

    async def collections(self) -> Sequence[Choice]:
        """The collections of the database, for the picker."""
        names = await self._asked(lambda d: d.list_collection_names(authorizedCollections=True))
        return [Choice(name, name) for name in sorted(names) if not name.startswith("system.")]

    async def fields(self, sync_type: str, settings: Mapping[str, Any]) -> Sequence[DestinationField]:
        known: list[DestinationField] = []
        if name := str(settings.get("collection") or ""):
            unique = await self._asked(lambda d: _unique(d, name) or ())
            known = await self._seen(name, [field for field in unique if field != ID])
        about = "The document's own ID: always unique. Left out, the server makes one."
        return [DestinationField(name=ID, identifier=True, recommended=True, description=about), *known]

    async def _seen(self, name: str, unique: Sequence[str]) -> list[DestinationField]:
        """The fields that match, and those of some documents where the user may read them."""
        types: dict[str, Counter[str]] = {field: Counter() for field in unique}
        with suppress(AuthError):
            for document in await self._asked(lambda d: list(d[name].find({}, limit=_LOOKED_AT))):
                for field, value in document.items():
                    if field != ID and value is not None:
                        types.setdefault(field, Counter())[_kind(value)] += 1
        return [_field(field, kinds, identifier=field in unique) for field, kinds in types.items()]

    def validate(self, job: Job) -> None:
        if len(job.identifiers) != 1:
            raise ConfigError("Choose one field by which documents are matched.", field="identifiers")
        names = {f.name for f in job.fields} | set(job.identifiers)
        for name in names:
            if name.startswith("$") or "\0" in name or not all(name.split(".")):
                raise ConfigError(f"No field of a document can be called “{name}”.", field="mapping")
            if around := next((other for other in names if name.startswith(f"{other}.")), ""):
                raise ConfigError(f"“{name}” is part of “{around}”: map one of the two.", field="mapping")
        if ID in names and job.identifiers != (ID,):
            hint = "Match by _id, or leave it out: the server makes one."
            raise ConfigError("The _id of a document never changes.", field="mapping", hint=hint)

    def lacks(self, job: Job) -> bool:
        return job.kept.get("collection") != job.settings.get("collection")

    async def provide(self, job: Job) -> Mapping[str, str]:
        """Make the collection, with a unique index on the field that matches, where there is none."""
        name, match = str(job.settings["collection"]), job.identifiers[0]
        if not await self._asked(lambda d: _unique(d, name)):
            await self._asked(lambda d: _make(d, name))
            if match != ID:
                await self._asked(lambda d: d[name].create_index(match, unique=True))
        return {"collection": name}

    @asynccontextmanager
    async def session(self, job: Job) -> AsyncIterator[DocumentSession]:
        name, match = str(job.settings["collection"]), job.identifiers[0]
        database = await asyncio.to_thread(self._open, self.limits(job).timeout_s)
        try:
            unique = await asyncio.to_thread(database.ask, lambda d: _unique(d, name))
            if unique is None:
                raise Gone(f"There is no collection “{name}” any more.", hint="Make it again, or choose another one.")
            if match not in unique:
                raise ConfigError(
                    f"Documents cannot be matched by “{match}”: it has no unique index of its own.",
                    field="identifiers",
                    hint=f"Make one: db.getCollection('{name}').createIndex({{'{match}': 1}}, {{unique: true}}).",
                )
            yield DocumentSession(database, job)
        finally:
            await asyncio.to_thread(database.close)

    def _open(self, read_s: float) -> Database:
        return Database(Server.of(self.config), self.environment, read_s)

    async def _asked(self, question: Callable[[Any], T]) -> T:
        def asked() -> T:
            with connected(self.config, self.environment, _ASK_S) as database:
                return database.ask(question)

        return await asyncio.to_thread(asked)


def _unique(database: Any, name: str) -> set[str] | None:
    """The fields that no two documents share; nothing where there is no such collection."""
    indices = list(database[name].list_indexes())
    whole = [i for i in indices if i.get("unique") and "partialFilterExpression" not in i and len(i["key"]) == 1]
    return {ID, *(str(field) for index in whole for field in index["key"])} if indices else None


def _make(database: Any, name: str) -> None:
    try:
        database.create_collection(name, check_exists=False)
    except driver("pymongo", PACKAGE).errors.OperationFailure as error:
        if error.code != _EXISTS:
            raise


def _kind(value: Any) -> str:
    return type(value).__name__


def _field(name: str, kinds: Counter[str], *, identifier: bool) -> DestinationField:
    native = kinds.most_common(1)[0][0] if kinds else ""
    shape = Shape.VALUES if native == "list" else Shape.OBJECT
    shown = _TYPES.get(native, ColumnType.UNKNOWN)
    return DestinationField(name=name, type=shown, native_type=native, identifier=identifier, shape=shape)
