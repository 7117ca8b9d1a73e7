"""Every level of privacy on every surface, asked through the doors that people and programs use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from audiences import looking
from audiences.calculating import work
from audiences.choices import Privacy
from audiences.models import Audience, SchemaModel
from audiences.personal import looks_like
from audiences.query.schema import ALLOWED, Surface
from audiences.query.schema import Privacy as QueryPrivacy
from audiences.services import ColumnSettings, change_columns, insights
from audiences.services import audiences as building
from audiences.services.looks import ask_to_look, begin_look, finish_look
from audiences.services.members import preview_members
from audiences.services.previews import preview_schema_model
from audiences.services.syncing import open_for_syncs
from audiences.services.traits import create_trait, store_suggestions
from audiences.syncing import asked_for
from audiences.trait_values import work as find_values
from config.errors import HeadraceError, Invalid
from syncs.configuration import Proposal
from syncs.models import Sync
from syncs.services import create_sync
from tests.audiences.app.acting import Caller, Person, is_, where
from tests.audiences.app.shop import parent, warehouse
from tests.connectors.app.connections import a_destination
from tests.world import Place, World
from workspaces.scoping import workspace_scope

# "Linus" is there twice, so that it is a value to suggest and no row's own.
COLUMN, VALUE = "name", "Linus"


@pytest.fixture
def place(world: World) -> Iterator[Place]:
    with workspace_scope(world.acme.workspace.pk):
        yield world.acme


@pytest.fixture
def customers(place: Place) -> SchemaModel:
    return parent(place, warehouse(place), primary_label="email")


class Surfaces:
    """Whether the column's values get through each surface, tried and not looked up."""

    def __init__(self, place: Place, customers: SchemaModel) -> None:
        self.place, self.customers, self.actor = place, customers, place.actor
        self.everybody = building.create_audience(actor=self.actor, parent=customers, name="All", definition=where())
        self.sync = self._sync()

    def _sync(self) -> Sync:
        proposal = Proposal(sync_type="requests", settings={"added": {"endpoint": "/members"}})
        model = open_for_syncs(actor=self.actor, audience=self.everybody)
        mailer = a_destination(self.place)
        return create_sync(actor=self.actor, model=model, destination=mailer, proposal=proposal)

    def set(self, level: Privacy) -> None:
        change = {"columns": [{"name": COLUMN, "privacy": level.value, "suggestValues": True}]}
        Caller(self.place)("PATCH", f"schema-models/{self.customers.pk}/columns", change)

    def filters(self) -> bool:
        """The builder offers it, a condition is saved, and a program's condition, too."""
        person = Person(self.place, f"audiences/new/{self.customers.pk}")
        person.press("add|/where|property")
        offered = '{"column":"name"' in person.html.replace("&quot;", '"')
        body = {"parentModelId": self.customers.pk, "name": "Linus", "definition": where(is_(COLUMN, VALUE))}
        Audience.objects.filter(name="Linus").delete()
        saved = self._works(
            lambda: building.create_audience(
                actor=self.actor, parent=self.customers, name="Linus", definition=body["definition"]
            )
        )
        assert offered == saved
        return saved

    def previews(self) -> bool:
        """Members of an audience, and rows of the model."""
        members = preview_members(actor=self.actor, parent=self.customers, definition=where(), audience=self.everybody)
        rows = preview_schema_model(actor=self.actor, model=self.customers)
        assert (VALUE in str(members.rows)) == (VALUE in str(rows.rows))
        return VALUE in str(members.rows)

    def suggestions(self) -> bool:
        """A worker looks; then the builder offers the values, and the values' own page is there."""
        ask_to_look(SchemaModel.objects.get(pk=self.customers.pk))
        looking.work(self.customers.pk)
        return bool(self.customers.columns.get(name=COLUMN).suggestions)

    def analytics(self) -> bool:
        """A breakdown by it."""

        def broken_down() -> None:
            made = insights.break_down(
                actor=self.actor, parent=self.customers, definition=where(), by={"field": {"column": COLUMN}}
            )
            work(made.pk)
            made.refresh_from_db()
            assert VALUE in str(made.counts)

        return self._works(broken_down)

    def syncs(self) -> bool:
        """The next run of a sync that maps it."""
        return self._works(lambda: asked_for(self.sync, ["id", COLUMN], timezone.now()).sql)

    def _works(self, call: Any) -> bool:
        try:
            call()
        except HeadraceError:
            return False
        return True


def test_every_level_on_every_surface(place: Place, customers: SchemaModel) -> None:
    surfaces = Surfaces(place, customers)
    found, wanted = {}, {}
    for level in Privacy:
        surfaces.set(level)
        allowed = ALLOWED[QueryPrivacy(level.value)]
        found[level] = {surface.value: getattr(surfaces, surface.value)() for surface in Surface}
        wanted[level] = {surface.value: surface in allowed for surface in Surface}
    assert found == wanted


def test_a_level_reaches_what_was_saved_before(place: Place, customers: SchemaModel) -> None:
    surfaces = Surfaces(place, customers)
    building.create_audience(actor=place.actor, parent=customers, name="Linus", definition=where(is_(COLUMN, VALUE)))
    assert "name" in asked_for(surfaces.sync, ["id", COLUMN], timezone.now()).sql
    surfaces.set(Privacy.BLOCKED)
    with pytest.raises(Invalid, match="may not be synced"):
        asked_for(surfaces.sync, ["id", COLUMN], timezone.now())
    made = Audience.objects.get(name="Linus")
    with pytest.raises(Invalid):
        preview_members(actor=place.actor, parent=customers, definition=made.definition, audience=made)
    assert "to finish" in Person(place, f"audiences/{made.pk}/definition").html


def test_values_that_were_found_while_a_column_was_hidden_are_not_kept(place: Place, customers: SchemaModel) -> None:
    """A worker may read values before the column is hidden, and store them after: of columns and of traits."""
    formula = {"method": "formula", "sql": 'UPPER({{"region"}})', "result": "string"}
    trait = create_trait(actor=place.actor, model=customers, name="Up", definition=formula, suggest=True)
    find_values(trait.pk)
    trait.refresh_from_db()
    assert trait.suggestions == [["NORTH", 2]]
    begun = begin_look(customers.pk, timezone.now())
    assert begun is not None
    change_columns(actor=place.actor, model=customers, names=["region"], settings=ColumnSettings(privacy="redacted"))
    finish_look(begun, (4, 0, 0), {"region": (2, [["north", 2]])})
    assert customers.columns.get(name="region").suggestions == []
    store_suggestions(trait, [["NORTH", 2]])
    find_values(trait.pk)
    trait.refresh_from_db()
    assert trait.suggestions == []
    assert "privacy level is “redacted”" in trait.suggest_error


def test_the_older_switch_and_the_level_stay_one(place: Place, customers: SchemaModel) -> None:
    call = Caller(place)

    def changed(**change: Any) -> Any:
        body = {"columns": [{"name": COLUMN, **change}]}
        columns = call("PATCH", f"schema-models/{customers.pk}/columns", body)["columns"]
        [column] = [each for each in columns if each["name"] == COLUMN]
        return column["privacy"], column["redacted"]

    assert changed(redacted=True) == ("redacted", True)
    assert changed(privacy="blocked") == ("blocked", True)
    assert changed(redacted=True) == ("blocked", True)  # the stricter one stays
    assert changed(privacy="sync_blocked") == ("sync_blocked", False)


def test_columns_of_all_models_are_listed_to_programs(place: Place, customers: SchemaModel) -> None:
    call = Caller(place)
    flagged = {row["name"]: row["looksLike"] for row in call("GET", "schema-columns?flagged=true")["data"]}
    assert flagged == {"name": "name", "email": "email"}
    body = {"columns": [{"name": "email", "privacy": "redacted", "personalData": "email"}]}
    call("PATCH", f"schema-models/{customers.pk}/columns", body)
    assert [row["name"] for row in call("GET", "schema-columns?privacy=redacted")["data"]] == ["email"]
    assert [row["name"] for row in call("GET", "schema-columns?personalData=email")["data"]] == ["email"]
    assert "email" not in [row["name"] for row in call("GET", "schema-columns?flagged=true")["data"]]


@pytest.mark.parametrize(
    ("name", "kind", "looks"),
    [
        ("email", "string", "email"),
        ("Email_Address", "string", "email"),
        ("work_e_mail", "string", "email"),
        ("email_opt_in", "boolean", ""),
        ("phone_number", "string", "phone"),
        ("birth_date", "date", "birthdate"),
        ("last_ip", "string", "ip_address"),
        ("zip_code", "string", "address"),
        ("first_name", "string", "name"),
        ("product_name", "string", ""),
        ("shipping", "string", ""),
        ("region", "string", ""),
    ],
)
def test_names_say_what_may_be_personal(name: str, kind: str, looks: str) -> None:
    assert looks_like(name, kind, Privacy.UNREVIEWED) == looks
    assert looks_like(name, kind, Privacy.APPROVED) == ""
