"""Acting on several ticked rows of a list: each by its own service, each with its own answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.utils.http import url_has_allowed_host_and_scheme

from config.errors import HeadraceError
from config.htmx import go_to, render_page

M = TypeVar("M", bound=Model)
# More than a page of any list shows.
MOST = 500


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one row; without an error it was done."""

    name: str
    error: str = ""


def ticked(request: HttpRequest) -> list[int]:
    """The ids of the ticked rows."""
    return ids(request.POST.getlist("selected"))


def ids(sent: Iterable[str]) -> list[int]:
    """Ids as an address or a form has them, each once; what is none is left out."""
    return [int(pk) for pk in dict.fromkeys(sent) if pk.isdecimal() and len(pk) < 19][:MOST]


def each(rows: Iterable[M], act: Callable[[M], object]) -> list[Outcome]:
    """Do it to every row; one that refuses does not stop the others."""
    outcomes = []
    for row in rows:
        try:
            act(row)
        except HeadraceError as error:
            outcomes.append(Outcome(str(row), f"{error.message} {error.hint}".strip()))
        else:
            outcomes.append(Outcome(str(row)))
    return outcomes


def answer(request: HttpRequest, outcomes: list[Outcome], word: str, back: str) -> HttpResponse:
    """Back to the list where all went well; else a page with what each one came to."""
    done = [outcome for outcome in outcomes if not outcome.error]
    refused = [outcome for outcome in outcomes if outcome.error]
    if not refused:
        return go_to(request, back, f"{len(done)} {word}.", tone="good" if done else "neutral")
    context = {"done": done, "refused": refused, "word": word, "back": back}
    return render_page(request, "workspaces/bulk_outcomes.html", context)


def back_to(request: HttpRequest, list_url: str) -> str:
    """The address of the list as it was narrowed, which the form carries along; the plain list for any other.

    A page of one of the list's rows will do, too.
    """
    sent = request.POST.get("back", "")
    own = sent == list_url or sent.startswith((f"{list_url}?", f"{list_url}/"))
    return sent if own and url_has_allowed_host_and_scheme(sent, allowed_hosts=None) else list_url
