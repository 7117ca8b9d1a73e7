"""Forms drawn by the component library, and what its widgets read back."""

from __future__ import annotations

from datetime import UTC, datetime

from django import forms
from django.http import QueryDict

from config.ui.widgets import Combobox, KeyValueField, ListField, RadioCards, SecretField, Toggle


class Example(forms.Form):
    name = forms.CharField(help_text="Shown in lists.")
    mode = forms.ChoiceField(choices=[("a", "A"), ("b", "B")], widget=RadioCards(notes={"a": "The first."}))
    key = SecretField(set_at=datetime(2026, 11, 19, tzinfo=UTC))
    headers = KeyValueField(required=False, initial={"X-Team": "<growth>"})
    columns = ListField(required=False)
    on = forms.BooleanField(required=False, widget=Toggle)
    country = forms.ChoiceField(choices=[("de", "Germany")], widget=Combobox)


def test_label_stands_above_and_help_under() -> None:
    html = str(Example()["name"].as_field_group())
    assert html.index("<label") < html.index("<input") < html.index("Shown in lists.")


def test_an_error_takes_the_place_of_the_help_and_belongs_to_its_field() -> None:
    html = str(Example({})["name"].as_field_group())
    assert "This field is required." in html
    assert "Shown in lists." not in html
    assert 'aria-invalid="true"' in html
    assert 'id="id_name_error"' in html


def test_a_whole_form_begins_with_a_summary_that_links_to_its_fields() -> None:
    html = str(Example({"mode": "a", "country": "de"}))
    assert 'role="alert"' in html
    assert 'href="#id_name"' in html


def test_cards_carry_their_sentence() -> None:
    assert "The first." in str(Example()["mode"])


def test_a_stored_secret_never_reaches_the_page_and_may_stay() -> None:
    form = Example(QueryDict("name=x&mode=a&country=de&key="), initial={"key": "s3cret"})
    assert "s3cret" not in str(form)
    assert "set" in str(Example()["key"])
    assert form.is_valid(), form.errors
    assert form.cleaned_data["key"] is None


def test_a_new_secret_is_asked_for() -> None:
    class New(forms.Form):
        key = SecretField()

    assert not New({}).is_valid()
    assert New({"key": "s3cret"}).is_valid()
    assert "s3cret" not in str(New({"key": "s3cret"}))


def test_lines_are_read_in_order_and_empty_ones_are_left_out() -> None:
    sent = QueryDict(
        "name=x&mode=a&country=de&headers__key=A&headers__value=1&headers__key=&headers__value=&headers__key=B"
        "&headers__value=&columns__item=id&columns__item=&columns__item=email"
    )
    form = Example(sent)
    assert form.is_valid(), form.errors
    assert form.cleaned_data["headers"] == {"A": "1", "B": ""}
    assert form.cleaned_data["columns"] == ["id", "email"]


def test_lines_show_what_is_stored_escaped_and_room_for_more() -> None:
    html = str(Example()["headers"])
    assert 'value="&lt;growth&gt;"' in html
    assert html.count('name="headers__key"') == 3
