"""The schema of a studio source: models, columns, relationships, ways through them, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from audiences import looking, services
from audiences.choices import Cardinality, ModelKind, Privacy
from audiences.models import Relationship, SchemaColumn, SchemaModel
from audiences.query import schema as pure
from audiences.selectors import drawing_of, lost_uses, studio_schema, ties_of
from audiences.services.looks import ask_for_due_looks
from config.errors import Conflict, Denied, HeadraceError, Invalid
from connectors.models import Source
from connectors.sdk.types import Table
from governance.audit.models import AuditEntry
from tests.audiences.app.shop import change, orders, parent, related, table, warehouse
from tests.workspaces.test_object_grants import custom_role
from tests.world import Place, World
from workspaces.access import forget_grants
from workspaces.models import RoleGrant
from workspaces.permissions import Permission
from workspaces.scoping import workspace_scope


@pytest.fixture
def place(world: World) -> Iterator[Place]:
    with workspace_scope(world.acme.workspace.pk):
        yield world.acme


@pytest.fixture
def source(place: Place) -> Source:
    return warehouse(place)


@pytest.fixture
def customers(place: Place, source: Source) -> SchemaModel:
    return parent(place, source)


def shelf(place: Place, customers: SchemaModel) -> tuple[SchemaModel, SchemaModel, SchemaModel]:
    """Orders of the customers, their lines, and products that lines name by two columns."""
    ordered = orders(place, customers)
    lines = related(
        place, "lines", "order_id+product_id", ordered, (Cardinality.MANY_TO_ONE, (("order_id", "order_id"),))
    )
    keys = (("product_id", "product_id"), ("shop_id", "shop_id"))
    products = related(place, "products", "product_id+shop_id", lines, (Cardinality.ONE_TO_MANY, keys))
    return ordered, lines, products


def column(model: SchemaModel, name: str) -> SchemaColumn:
    return model.columns.get(name=name)


def test_vocabularies_are_those_of_the_query_package() -> None:
    pairs = ((ModelKind, pure.ModelKind), (Cardinality, pure.Cardinality), (Privacy, pure.Privacy))
    for ours, theirs in pairs:
        assert set(ours.values) == {item.value for item in theirs}
    assert {p for p in Privacy if p.shown} == {
        Privacy(p.value) for p, surfaces in pure.ALLOWED.items() if pure.Surface.PREVIEWS in surfaces
    }
    assert all(c.single == pure.Cardinality(c.value).single for c in Cardinality)


def test_a_schema_becomes_what_the_query_package_asks_about(place: Place, customers: SchemaModel) -> None:
    ordered, _lines, products = shelf(place, customers)
    whole = studio_schema(customers.source)
    assert whole.dialect == "duckdb"
    model = whole.models[str(customers.pk)]
    assert (model.kind, model.relation, model.primary_key) == (
        pure.ModelKind.PARENT,
        Table("main", "customers"),
        ("id",),
    )
    assert [c.name for c in model.columns] == ["id", "name", "email", "region", "joined"]
    suggested = {column.name for column in model.columns if column.suggestions}
    assert "name" in suggested
    assert "id" not in suggested
    event = whole.models[str(ordered.pk)]
    assert (event.kind, event.timestamp) == (pure.ModelKind.EVENT, "ordered_at")
    [tie] = [r for r in whole.relationships.values() if r.from_ == str(ordered.pk)]
    assert (tie.to, tie.cardinality, tie.keys) == (
        str(customers.pk),
        pure.Cardinality.MANY_TO_ONE,
        (("customer_id", "id"),),
    )
    assert whole.step(tie.id, str(customers.pk))[0].single is False  # type: ignore[index]
    [compound] = [r for r in whole.relationships.values() if r.from_ == str(products.pk)]
    assert compound.keys == (("product_id", "product_id"), ("shop_id", "shop_id"))


def test_a_model_is_reached_through_others(place: Place, customers: SchemaModel) -> None:
    ordered, lines, products = shelf(place, customers)
    steps = [r.pk for r in Relationship.objects.order_by("pk")]
    made = services.create_through(actor=place.actor, model=customers, path=steps)
    assert (made.to_model, made.cardinality) == (products, Cardinality.ONE_TO_MANY)
    [line] = [line for line in ties_of(place.actor, products) if line.through]
    assert [m.name for m in line.through] == ["Lines", "Orders"], "read from the other end"
    whole = studio_schema(customers.source)
    assert [hop.model for hop in whole.step(str(made.pk), str(customers.pk)) or ()] == [
        str(m.pk) for m in (ordered, lines, products)
    ]
    with pytest.raises(Conflict, match="already reached"):
        services.create_through(actor=place.actor, model=customers, path=steps)
    with pytest.raises(Invalid):
        services.create_through(actor=place.actor, model=customers, path=list(reversed(steps)))
    with pytest.raises(Conflict, match="go through this one"):
        services.delete_relationship(actor=place.actor, relationship=Relationship.objects.get(pk=steps[1]))
    services.archive_schema_model(actor=place.actor, model=lines)
    assert str(made.pk) not in studio_schema(customers.source).relationships, "what passes an archived model leads on"
    services.delete_schema_model(actor=place.actor, model=lines)
    assert not Relationship.objects.filter(pk=made.pk).exists()


def test_columns_merge_only_where_one_row_leads_to_one(place: Place, customers: SchemaModel) -> None:
    ordered = orders(place, customers)
    tie = ordered.relationships.get()
    keys = (("customer_id", "id"),)
    merging = services.Tie(other=customers, cardinality=Cardinality.MANY_TO_ONE, keys=keys, merged=("region",))
    services.update_relationship(actor=place.actor, relationship=tie, model=ordered, tie=merging)
    assert ties_of(place.actor, ordered)[0].merged_here == ("region",)
    assert ties_of(place.actor, customers)[0].merged_there == ("region",)
    turned = services.Tie(
        other=ordered, cardinality=Cardinality.ONE_TO_MANY, keys=(("id", "customer_id"),), name="Buys"
    )
    services.update_relationship(actor=place.actor, relationship=tie, model=customers, tie=turned)
    tie.refresh_from_db()
    assert (tie.name, tie.merged, tie.from_model) == ("Buys", ["region"], ordered), "the other side keeps what it reads"
    wrong = services.Tie(
        other=ordered, cardinality=Cardinality.ONE_TO_MANY, keys=(("id", "customer_id"),), merged=("total",)
    )
    with pytest.raises(Invalid, match="cannot be merged"):
        services.update_relationship(actor=place.actor, relationship=tie, model=customers, tie=wrong)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"name": " "}, "name"),
        ({"primary_key": ()}, "primary_key"),
        ({"primary_key": ("nothing",)}, "primary_key"),
        ({"primary_key": ("id", "email")}, "primary_key"),
        ({"primary_label": "nothing"}, "primary_label"),
        ({"look_every": "century"}, "look_every"),
    ],
)
def test_what_a_model_lacks_is_said_beside_the_field(
    place: Place, source: Source, changed: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as told:
        parent(place, source, **changed)
    assert set(told.value.fields) == {field}
    assert not SchemaModel.objects.exists()


def test_an_event_needs_a_time_and_a_join_needs_columns_of_both(place: Place, customers: SchemaModel) -> None:
    def make(timestamp: str, keys: tuple[tuple[str, str], ...]) -> None:
        services.create_schema_model(
            actor=place.actor,
            source=customers.source,
            kind=ModelKind.EVENT,
            definition=table("orders"),
            settings=services.Settings(name="Orders", primary_key=("order_id",), timestamp=timestamp),
            tie=services.Tie(other=customers, cardinality=Cardinality.MANY_TO_ONE, keys=keys),
        )

    good = (("customer_id", "id"),)
    for timestamp, keys, field in (
        ("", good, "timestamp"),
        ("total", good, "timestamp"),
        ("ordered_at", (), "keys"),
        ("ordered_at", (("customer_id", "nothing"),), "keys"),
        ("ordered_at", good * 2, "keys"),
    ):
        with pytest.raises(Invalid) as told:
            make(timestamp, keys)
        assert set(told.value.fields) == {field}
    assert SchemaModel.objects.count() == 1, "a model is not made without its relationship"


def test_models_of_two_sources_do_not_belong_together(place: Place, customers: SchemaModel) -> None:
    other = parent(place, warehouse(place, "Elsewhere"), name="Others")
    tie = services.Tie(other=other, cardinality=Cardinality.ONE_TO_ONE, keys=(("id", "id"),))
    with pytest.raises(Invalid, match="one source"):
        services.create_relationship(actor=place.actor, model=customers, tie=tie)


def test_a_look_counts_keys_and_keeps_values_that_come_twice(place: Place, customers: SchemaModel) -> None:
    change(
        customers.source,
        "INSERT INTO customers VALUES (1, 'Ada', 'x@shop.test', 'north', NULL), (NULL, 'No', NULL, '', NULL)",
    )
    looking.work(customers.pk)
    customers.refresh_from_db()
    assert (customers.rows, customers.key_empty, customers.key_repeated) == (6, 1, 1)
    assert column(customers, "region").suggestions == [["north", 3], ["south", 1]]
    assert column(customers, "email").suggestions == [], "every address is somebody's own"
    assert column(customers, "id").suggestions == []
    services.change_columns(
        actor=place.actor, model=customers, names=["region"], settings=services.ColumnSettings(redacted=True)
    )
    assert column(customers, "region").suggestions == [], "what is hidden is forgotten at once"
    looking.work(customers.pk)
    assert column(customers, "region").suggestions == []


def test_a_look_that_fails_says_why_and_is_tried_again(place: Place, customers: SchemaModel) -> None:
    change(customers.source, "DROP TABLE customers")
    looking.work(customers.pk)
    customers.refresh_from_db()
    assert (customers.look_state, "customers" in customers.look_error) == ("failed", True)
    assert customers.looked_at is not None
    assert customers.look_every == "week"
    assert ask_for_due_looks(customers.looked_at + timedelta(days=6)) == 0
    assert ask_for_due_looks(customers.looked_at + timedelta(days=8)) == 1


def test_columns_follow_the_source_and_what_is_lost_is_named(place: Place, customers: SchemaModel) -> None:
    ordered = orders(place, customers)
    settings = services.ColumnSettings(alias="Part of the country", privacy=Privacy.APPROVED, override_type="string")
    services.change_columns(actor=place.actor, model=customers, names=["region"], settings=settings)
    change(customers.source, "ALTER TABLE customers ADD COLUMN tier VARCHAR; ALTER TABLE customers DROP COLUMN name")
    change(ordered.source, "ALTER TABLE orders RENAME COLUMN customer_id TO buyer")
    for model in (customers, ordered):
        services.refresh_schema_columns(actor=place.actor, model=model)
    assert column(customers, "region").title == "Part of the country"
    assert (column(customers, "name").missing, column(customers, "tier").missing) == (True, False)
    assert lost_uses(customers, ties_of(place.actor, customers)) == ["the primary label “name”"]
    assert lost_uses(ordered, ties_of(place.actor, ordered)) == ["“customer_id”, which joins Customers"]
    assert "name" not in [c.name for c in studio_schema(customers.source).models[str(customers.pk)].columns]


def test_what_identifies_or_joins_cannot_be_taken_away(place: Place, customers: SchemaModel) -> None:
    ordered = orders(place, customers)
    off, block = services.ColumnSettings(enabled=False), services.ColumnSettings(privacy="blocked")
    for model, name, settings in (
        (customers, "id", off),
        (ordered, "ordered_at", block),
        (ordered, "customer_id", block),
    ):
        with pytest.raises(Conflict, match=name):
            services.change_columns(actor=place.actor, model=model, names=[name], settings=settings)
    with pytest.raises(Invalid):
        services.change_columns(actor=place.actor, model=ordered, names=["nothing"], settings=off)


def test_the_old_switch_and_the_privacy_level_are_one(place: Place, customers: SchemaModel) -> None:
    def say(**settings: Any) -> SchemaColumn:
        chosen = services.ColumnSettings(**settings)
        services.change_columns(actor=place.actor, model=customers, names=["email"], settings=chosen)
        return column(customers, "email")

    assert say(redacted=True).privacy == Privacy.REDACTED
    assert say(privacy="blocked").redacted
    assert say(redacted=True).privacy == Privacy.BLOCKED, "the stricter level stays"
    assert say(redacted=False).privacy == Privacy.UNREVIEWED
    say(privacy="sync_blocked")
    asked = studio_schema(customers.source).models[str(customers.pk)].column("email")
    assert asked is not None
    assert not asked.may(pure.Surface.SYNCS)


def test_previews_do_not_ask_for_hidden_values(place: Place, customers: SchemaModel) -> None:
    hide = services.ColumnSettings(redacted=True)
    services.change_columns(actor=place.actor, model=customers, names=["email", "region"], settings=hide)
    shown = services.preview_schema_model(actor=place.actor, model=customers)
    assert [c.name for c in shown.columns] == ["id", "name", "joined"]
    assert shown.rows is not None
    assert len(shown.rows[0]) == 3


def test_rights_on_one_parent_model(world: World, place: Place, customers: SchemaModel) -> None:
    from django.contrib.auth.models import Permission as StoredPermission

    from audiences import access
    from audiences.models import ParentModelGrant

    ordered = orders(place, customers)
    other = parent(place, customers.source, name="Others")
    role = custom_role(world, "Marketers")
    member = world.actor("member")
    assert not access.may_view_rows(member, customers)
    stored = StoredPermission.objects.get(content_type__model="schemamodel", codename="view_rows")
    ParentModelGrant.objects.create(
        workspace_id=role.workspace_id, role=role, permission=stored, content_object=customers
    )
    forget_grants()
    assert [access.may_view_rows(member, m) for m in (customers, ordered, other)] == [True, True, False]
    assert services.preview_schema_model(actor=member, model=ordered).rows is not None
    with pytest.raises(Denied, match="configure the source's schema"):
        services.preview_definition(actor=member, source=customers.source, definition=table("orders"))
    RoleGrant.objects.create(workspace_id=role.workspace_id, role=role, permission=Permission.CONFIGURE_SCHEMA)
    forget_grants()
    drawn = services.preview_definition(actor=member, source=customers.source, definition=table("orders"))
    assert drawn.rows is None, "rows of the whole source are another right"


def test_changing_a_schema_takes_its_right(world: World, place: Place, customers: SchemaModel) -> None:
    tie = orders(place, customers).relationships.get()
    for name in ("editor", "drafter", "viewer"):
        actor = world.actor(name)
        for attempt in (
            lambda actor=actor: services.update_schema_model(
                actor=actor, model=customers, settings=services.Settings(name="Mine")
            ),
            lambda actor=actor: services.delete_relationship(actor=actor, relationship=tie),
            lambda actor=actor: services.archive_schema_model(actor=actor, model=customers),
        ):
            with pytest.raises(Denied):
                attempt()
    with pytest.raises(Denied):  # those who build audiences may, from a condition whose value is not suggested
        services.look_at_values(actor=world.actor("viewer"), model=customers)
    assert (
        services.update_schema_model(
            actor=world.actor("admin"), model=customers, settings=services.Settings(name="Ours")
        ).name
        == "Ours"
    )


def test_what_is_built_on_a_model_keeps_it(
    place: Place, customers: SchemaModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    from audiences import dependants

    built = [dependants.Dependant("audience", "VIPs")]
    monkeypatch.setattr(dependants, "_finders", {"audience": lambda actor, model: built})
    for attempt in (services.archive_schema_model, services.delete_schema_model):
        with pytest.raises(HeadraceError, match="audience “VIPs”"):
            attempt(actor=place.actor, model=customers)
    built.clear()
    services.archive_schema_model(actor=place.actor, model=customers)
    assert str(customers.pk) not in studio_schema(customers.source).models
    services.restore_schema_model(actor=place.actor, model=customers)
    assert str(customers.pk) in studio_schema(customers.source).models


def test_every_change_leaves_one_entry(place: Place, customers: SchemaModel) -> None:
    services.update_schema_model(actor=place.actor, model=customers, settings=services.Settings(name="People"))
    services.update_schema_model(actor=place.actor, model=customers, settings=services.Settings(name="People"))
    services.label_schema_model(actor=place.actor, model=customers, add={"team": "crm"})
    entries = AuditEntry.objects.filter(resource_type="schema_model", resource_id=customers.pk).order_by("pk")
    assert list(entries.values_list("event", flat=True)) == [
        "schema_model.created",
        "schema_model.updated",
        "schema_model.labelled",
    ]
    assert entries[1].before == {"name": "Customers"}


def test_the_picture_places_what_hangs_together(place: Place, customers: SchemaModel) -> None:
    ordered, lines, products = shelf(place, customers)
    models = list(SchemaModel.objects.order_by("name"))
    drawn = drawing_of(models, Relationship.objects.select_related("from_model", "to_model"))
    across = {node.model.pk: node.x for node in drawn.nodes}
    assert across[customers.pk] < across[ordered.pk] < across[lines.pk] < across[products.pk]
    marks = {(link.relationship.from_model.name): (link.start_mark, link.end_mark) for link in drawn.links}
    assert marks["Orders"] == ("1", "n"), "read from left to right: one customer has many orders"
    boxes = [(node.x, node.y) for node in drawn.nodes]
    assert len(set(boxes)) == len(boxes)
