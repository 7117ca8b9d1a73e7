"""Uploaded lists for the query package: their values are read once a condition asks for them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, overload

from audiences.models import ValueList
from audiences.query import schema as pure


class StoredValues(Sequence[str]):
    """The values of a stored list; how many there are is known without reading them."""

    def __init__(self, list_id: int, size: int) -> None:
        self._id = list_id
        self._size = size

    @cached_property
    def _values(self) -> list[str]:
        return list(ValueList.objects.values_list("values", flat=True).get(pk=self._id))

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, place: int) -> str: ...

    @overload
    def __getitem__(self, place: slice) -> list[str]: ...

    def __getitem__(self, place: Any) -> Any:
        return self._values[place]


def value_lists() -> dict[str, pure.ValueList]:
    """The workspace's lists by id."""
    rows = ValueList.objects.values_list("pk", "name", "size")
    return {str(pk): pure.ValueList(id=str(pk), name=name, values=StoredValues(pk, size)) for pk, name, size in rows}
