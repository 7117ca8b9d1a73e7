"""What templates may say of rows to whoever looks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import template

from syncs.models import Preview, Run, Sync
from syncs.selectors.errors import error_words as words_for

register = template.Library()


@register.simple_tag(takes_context=True)
def error_words(context: Mapping[str, Any], stopped: Run | Preview, sync: Sync) -> str:
    """Why a run or preview of this sync stopped."""
    return words_for(context["request"].actor, stopped, sync)
