"""Path converters of the REST API."""

from __future__ import annotations


class ApiId:
    """An id as clients spell it: some send whole numbers as ``3.0``."""

    regex = r"[0-9]{1,18}(?:\.0)?"

    def to_python(self, value: str) -> int:
        """The id as a number."""
        return int(value.removesuffix(".0"))

    def to_url(self, value: int) -> str:
        """The plain spelling."""
        return str(value)
