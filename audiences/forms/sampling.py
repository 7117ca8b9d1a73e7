"""The form of how a parent model is sampled."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.http import QueryDict

from audiences.choices import Every, SampleEvery
from audiences.services.sampling import LEAST, MOST
from config.ui.widgets import Toggle


class SamplingForm(forms.Form):
    """On or off, how large, how often; the models beside it are posted as ``model`` and ``every-<id>``."""

    use_required_attribute = False

    enabled = forms.BooleanField(
        label="Sampling",
        required=False,
        widget=Toggle,
        help_text="Turning it off drops the sample from the source; previews then ask all rows.",
    )
    percent = forms.DecimalField(
        label="Sample size, in percent",
        min_value=LEAST,
        max_value=MOST,
        decimal_places=2,
        help_text="Of the rows of this model. A larger sample holds the smaller one, is more exact, and slower.",
    )
    every = forms.ChoiceField(label="Sample frequency", choices=Every.choices, required=False)


def posted_models(data: QueryDict, offered: Iterable[int]) -> dict[int, str]:
    """The models that were ticked, with how often each is sampled."""
    ticked = set(data.getlist("model"))
    return {pk: data.get(f"every-{pk}", SampleEvery.INHERIT) for pk in offered if str(pk) in ticked}


def values_of(form: SamplingForm) -> dict[str, Any]:
    """What the service takes."""
    return {name: form.cleaned_data[name] for name in ("enabled", "percent", "every")}
