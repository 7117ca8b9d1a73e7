"""GraphQL: one address for questions and changes; refusals come inside answers that say 200.

https://spec.graphql.org/October2021/#sec-Errors: an error without a path refuses the whole request before any of
it is carried out; one with a path is about the part that begins it. Besides, services tell a person's mistakes in
``userErrors`` of a part that was carried out otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.sdk.destination import ACCEPTED, RowResult, rejected
from connectors.sdk.errors import BatchRejected, ConnectorError, RateLimited
from connectors.sdk.net import Response
from connectors.sdk.rest.api import Line, at
from connectors.sdk.rest.codes import ErrorCodes
from connectors.sdk.rest.results import refusals

COST = "extensions.cost"


@dataclass(frozen=True, slots=True)
class Mutation:
    """One change. ``variables``: GraphQL type and value by name; ``answer`` is what to ask of it."""

    name: str
    variables: Mapping[str, tuple[str, Any]]
    answer: str = "success"


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphQLErrors(ErrorCodes):
    """Codes of errors that concern the whole request: the sign-in, the rate. All others are read part by part."""

    find: Callable[[Any], Any] = lambda answer: None  # unused: codes are where GraphQL has them

    def error(self, response: Response, message: str) -> ConnectorError | None:
        found = ErrorCodes(find=self._code, meanings=self.meanings).error(response, message)
        if isinstance(found, RateLimited):
            found.after = found.after or _restored(response.json())
        return found

    def _code(self, answer: Any) -> Any:
        codes = [at(each, "extensions.code") for each in answer.get("errors") or ()]
        return next((code for code in codes if code in self.meanings), None)


@dataclass(frozen=True, slots=True)
class GraphQL:
    """A service's address for GraphQL, after the base of its :class:`~connectors.sdk.rest.Api`."""

    path: str

    async def ask(self, line: Line, document: str, **variables: Any) -> Any:
        """The data of an answer; raises ``BatchRejected`` in the service's words where it has errors."""
        answer = await line.post(self.path, {"query": document, "variables": variables})
        if answer.get("errors"):
            raise BatchRejected("; ".join(str(each["message"]) for each in answer["errors"]))
        return answer["data"]

    async def change(self, line: Line, mutations: Sequence[Mutation]) -> list[RowResult]:
        """Many changes in one request, each with an outcome of its own.

        Where the service refuses the request as a whole, nothing of it was done, and each is sent alone.
        """
        if not mutations:
            return []
        try:
            answer = await line.post(self.path, document(mutations))
            if all(not each.get("path") for each in answer.get("errors") or (answer,)) and answer.get("errors"):
                raise BatchRejected(str(answer["errors"][0]["message"]))
        except BatchRejected as error:
            if len(mutations) == 1:
                return refusals(1, error)
            return [result for each in mutations for result in await self.change(line, [each])]
        return [outcome(answer, f"m{place}") for place in range(len(mutations))]


def document(mutations: Sequence[Mutation]) -> dict[str, Any]:
    """A request that carries out these changes, one after another."""
    declared: list[str] = []
    parts: list[str] = []
    values: dict[str, Any] = {}
    for place, each in enumerate(mutations):
        given = []
        for name, (kind, value) in each.variables.items():
            declared.append(f"$m{place}_{name}: {kind}")
            given.append(f"{name}: $m{place}_{name}")
            values[f"m{place}_{name}"] = value
        parts.append(f"m{place}: {each.name}({', '.join(given)}) {{ {each.answer} }}")
    return {"query": f"mutation({', '.join(declared)}) {{ {' '.join(parts)} }}", "variables": values}


def outcome(answer: Any, part: str) -> RowResult:
    """What became of one change of an answer."""
    errors = [each for each in answer.get("errors") or () if (each.get("path") or [part])[0] == part]
    if errors:
        return rejected(str(errors[0]["message"]))
    told = answer["data"][part]
    if problems := [_words(each) for name, many in told.items() if name.endswith("serErrors") for each in many or ()]:
        return rejected("; ".join(problems))
    return (
        rejected("The service did not carry it out, and does not say why.")
        if told.get("success") is False
        else ACCEPTED
    )


def _words(told: Mapping[str, Any]) -> str:
    about = ".".join(map(str, told.get("field") or ()))
    return f"{about}: {told['message']}" if about else str(told["message"])


def _restored(answer: Any) -> float | None:
    """Seconds until a request of this cost fits again, where the service counts costs."""
    asked, state = at(answer, f"{COST}.requestedQueryCost"), at(answer, f"{COST}.throttleStatus")
    if not asked or not state or not state.get("restoreRate"):
        return None
    return max(float(asked - state["currentlyAvailable"]) / float(state["restoreRate"]), 1.0)
