"""Forms made from declarations: every declaration of the registry draws, and answers come back as declared."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import QueryDict
from django.template.loader import render_to_string
from django.utils.datastructures import MultiValueDict

from connectors.forms import SettingsForm, Shown
from connectors.registry import DESTINATIONS, SOURCES, destination_class, source_class
from connectors.sdk.fields import Field, FileUpload, KeyValues, Number, Section, Select, Text, Toggle, When
from connectors.sdk.types import Choice
from connectors.sdk.validation import clean

SET = datetime(2026, 11, 1, tzinfo=UTC).isoformat()
EVERY_KIND: tuple[Field, ...] = (
    Text(name="line", label="Line", placeholder="hint", help="One line."),
    Text(name="lines", label="Lines", multiline=True, required=False),
    Text(name="code", label="Code", multiline=True, syntax="json", template=True, required=False),
    Text(name="secret", label="Secret", secret=True),
    Text(name="spare", label="Spare secret", secret=True, required=False),
    FileUpload(name="key", label="Key file", secret=True, required=False, accept=".pem"),
    FileUpload(name="cert", label="Certificate", required=False),
    Number(name="count", label="Count", default=3, minimum=1, unit="rows"),
    Toggle(name="on", label="On", default=True),
    Select(name="pick", label="Pick", choices=(Choice("a", "A"), Choice("b", "B"))),
    Select(name="card", label="Card", style="cards", default="x", choices=(Choice("x", "X", "First."),)),
    Select(name="found", label="Found", discover="tables", required=False),
    Select(name="column", label="Column", column=True, required=False),
    KeyValues(name="rows", label="Rows", secret_rows=True),
    Text(name="only_b", label="Only for B", when=When(field="pick", values=("b",))),
    Section(name="part", label="Part", fields=(Number(name="size", label="Size", default=1),)),
    Section(name="fixed", label="Fixed", optional=False, fields=(Text(name="word", label="Word", default="w"),)),
)


def declarations() -> Iterator[Any]:
    """Every tuple of fields in the registry, by where it stands."""
    for key in SOURCES:
        yield pytest.param(lambda key=key: source_class(key).definition.fields, id=f"source-{key}")
    for key in DESTINATIONS:
        yield pytest.param(lambda key=key: destination_class(key).definition.fields, id=f"destination-{key}")
        for kind in destination_class(key).definition.sync_types:
            yield pytest.param(lambda kind=kind: kind.settings, id=f"syncs-of-{key}-{kind.key}")


def draw(form: SettingsForm) -> str:
    return render_to_string("connectors/parts/settings.html", {"form": form})


def answer(**values: Any) -> QueryDict:
    """What a browser sends."""
    sent = QueryDict(mutable=True)
    for name, value in values.items():
        sent.setlist(name, value if isinstance(value, list) else [value])
    return sent


COMPLETE = {"line": "hello", "secret": "s3cret", "count": "4", "pick": "a", "card": "x", "fixed.word": "w"}


@pytest.mark.parametrize("fields", declarations())
def test_every_declaration_draws_every_setting_with_its_label(fields: Any) -> None:
    form = SettingsForm(fields())
    html = draw(form)
    for name, field in form.fields.items():
        assert f'data-field="{name}"' in html
        assert field.label
    ids = re.findall(r'\sid="([^"]+)"', html)
    assert sorted(ids) == sorted(set(ids))


@pytest.mark.parametrize("fields", declarations())
def test_an_empty_answer_never_breaks_a_form_and_errors_stand_at_their_fields(fields: Any) -> None:
    form = SettingsForm(fields(), QueryDict(""), MultiValueDict())
    form.is_valid()
    assert "__all__" not in form.errors
    html = draw(form)
    for name, messages in form.errors.items():
        field = html.partition(f'data-field="{name}"')[2].partition("data-field=")[0]
        assert str(messages[0]) in field.replace("&#x27;", "'")


def test_every_kind_of_setting_has_its_own_control() -> None:
    html = draw(SettingsForm(EVERY_KIND, shown=Shown(columns=("id", "email"), choices_url="/choices?x=1")))
    assert 'type="text" name="line"' in html
    assert 'textarea name="lines"' in html
    assert 'data-code-editor-language-value="json"' in html
    assert 'type="password" name="secret"' in html
    assert 'type="file" name="key__file"' in html
    assert 'type="number" name="count" value="3"' in html
    assert '<span class="unit">rows</span>' in html
    assert 'role="switch" name="on"' in html
    assert 'type="radio" class="radio" name="card"' in html
    assert 'hx-post="/choices?x=1&amp;field=found"' in html
    assert '<option value="email">email</option>' in html
    assert 'name="rows__secret"' in html
    assert 'role="switch" name="part.__on"' in html
    assert 'name="fixed.word"' in html


def test_conditions_are_told_to_the_browser_and_hidden_from_the_start() -> None:
    html = draw(SettingsForm(EVERY_KIND))
    assert re.search(r'data-show-when="pick=b"\s+hidden', html)
    shown = draw(SettingsForm(EVERY_KIND, shown=Shown({"pick": "b"})))
    assert re.search(r'data-show-when="pick=b"(?!\s+hidden)', shown)


def test_answers_come_back_nested_as_declared_and_clean() -> None:
    part = {"part.__on": "on", "part.size": "9"}
    sent = answer(**COMPLETE, **part, rows__name=["a", ""], rows__value=["1", ""])
    form = SettingsForm(EVERY_KIND, sent, MultiValueDict())
    assert form.is_valid(), form.errors
    done = clean(EVERY_KIND, form.values)
    assert done.config["part"] == {"size": 9}
    assert done.config["rows"] == [{"name": "a", "value": "1", "secret": False}]
    assert done.config["on"] is False
    assert done.config["count"] == 4
    assert done.secrets == {"secret": "s3cret"}


def test_a_section_that_is_off_asks_nothing_of_its_fields() -> None:
    form = SettingsForm(EVERY_KIND, answer(**COMPLETE, **{"part.size": "not a number"}), MultiValueDict())
    assert form.is_valid(), form.errors
    assert form.values["part"] is None


def test_a_stored_secret_shows_only_when_it_was_set_and_may_stay_blank() -> None:
    shown = Shown({"line": "hello"}, {"secret": SET, "spare": SET})
    html = draw(SettingsForm(EVERY_KIND, shown=shown))
    assert "••••" in html
    assert 'name="spare__remove"' in html
    assert 'name="secret__remove"' not in html
    sent = answer(**{**COMPLETE, "secret": "", "spare__remove": "1"})
    form = SettingsForm(EVERY_KIND, sent, MultiValueDict(), shown=shown)
    assert form.is_valid(), form.errors
    assert "secret" not in form.values
    assert form.values["spare"] is None


def test_a_chosen_file_counts_more_than_pasted_text_and_must_be_text() -> None:
    files = MultiValueDict({"cert__file": [SimpleUploadedFile("c.pem", b"\xef\xbb\xbfCERT")]})
    form = SettingsForm(EVERY_KIND, answer(**COMPLETE, cert="pasted"), files)
    assert form.is_valid(), form.errors
    assert form.values["cert"] == "CERT"
    binary = MultiValueDict({"cert__file": [SimpleUploadedFile("c.pem", b"\xff\xfe\x00")]})
    form = SettingsForm(EVERY_KIND, answer(**COMPLETE), binary)
    assert not form.is_valid()
    assert form.errors["cert"] == ["This is not a text file."]


def test_typed_secrets_are_not_sent_back_with_an_error() -> None:
    form = SettingsForm(EVERY_KIND, answer(**{**COMPLETE, "line": "", "secret": "s3cret"}), MultiValueDict())
    assert not form.is_valid()
    assert form.errors["line"] == ["Enter the line."]
    assert "s3cret" not in draw(form)
