"""What a person sets for Google Sheets."""

from __future__ import annotations

from connectors.sdk.destination import Limits, Mode, ModeSpec, Rate, RowSet, SyncType
from connectors.sdk.fields import Field, Select, Text, Toggle, When
from connectors.sdk.types import Choice

LISTED = When(field="spreadsheet_from", values=("list",))
TYPED = When(field="spreadsheet_from", values=("id",))
SETTINGS: tuple[Field, ...] = (
    Select(
        name="spreadsheet_from",
        label="Spreadsheet",
        style="cards",
        default="list",
        choices=(
            Choice("list", "From a list", "Those that the account may see."),
            Choice("id", "By its ID", "As in its address."),
        ),
    ),
    Select(name="spreadsheet", label="Spreadsheet", discover="spreadsheets", when=LISTED),
    Text(
        name="spreadsheet_id",
        label="Spreadsheet ID",
        help="What stands between /d/ and /edit in its address.",
        pattern=r"[\w-]{20,}",
        pattern_hint="Only the ID, not the whole address.",
        when=TYPED,
    ),
    Select(
        name="sheet",
        label="Sheet",
        help="Left empty only for snapshots. Let no other sync write to it.",
        discover="sheets",
        depends=("spreadsheet",),
        required=False,
        when=LISTED,
    ),
    Text(
        name="sheet_name",
        label="Sheet",
        help="Its name, below the table. Left empty only for snapshots.",
        required=False,
        max_length=100,
        when=TYPED,
    ),
    Select(
        name="input",
        label="Data format",
        style="cards",
        default="USER_ENTERED",
        choices=(
            Choice("USER_ENTERED", "User entered", "As if typed: dates become dates, and texts may become numbers."),
            Choice("RAW", "Raw", "As they are: dates stay texts."),
        ),
    ),
    Text(
        name="range",
        label="Cell range",
        help="Write only there, and leave the margins alone. Left empty, the whole sheet is written.",
        placeholder="A1:Z1000",
        required=False,
        pattern=r"[A-Za-z]{1,3}[1-9][0-9]{0,7}:[A-Za-z]{1,3}[1-9][0-9]{0,7}",
        pattern_hint="Two corners, such as A1:Z1000.",
    ),
    Toggle(
        name="overflow",
        label="Go on in further spreadsheets",
        help="Where 10,000,000 cells are not enough: name_1, name_2 and so on, in the same folder. "
        "What has these names is overwritten.",
    ),
)
SYNC_TYPE = SyncType(
    key="sheet",
    name="Sheet",
    description="Rows of a model become rows of a sheet.",
    settings=SETTINGS,
    # 60 writes a minute for each account: https://developers.google.com/workspace/sheets/api/limits
    limits=Limits(rates=(Rate(requests=50, seconds=60),), attempts=3, timeout_s=180.0),
    all_columns=True,
    mapping=True,
    custom_fields=True,
    single_writer=True,
    modes=(
        ModeSpec(
            mode=Mode.ALL,
            rows=RowSet.FULL,
            description="Mirror: the sheet shows every row of the model, and nothing else.",
            matching=False,
        ),
        ModeSpec(
            mode=Mode.SNAPSHOT,
            rows=RowSet.FULL,
            description="Each run makes a new sheet with every row of the model.",
            matching=False,
        ),
        ModeSpec(
            mode=Mode.INSERT,
            rows=RowSet.ADDED,
            description="Append: new rows are added below those that are there; changes are not followed.",
            matching=False,
        ),
    ),
)
