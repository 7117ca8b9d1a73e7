"""What a request's status and address tell."""

from __future__ import annotations

import pytest

from syncs.views.exchanges import lacks_value, status_help


@pytest.mark.parametrize(
    "target",
    [
        "https://api.test/users/undefined",
        "https://api.test/users/undefined/tags?page=1",
        "https://api.test/users//tags",
        "https://api.test/users?id=null",
    ],
)
def test_an_address_without_a_value_is_noticed(target: str) -> None:
    assert lacks_value(target)


@pytest.mark.parametrize(
    "target",
    [
        "https://api.test/users/7",
        "https://api.test/",
        "https://api.test",
        "https://api.test/users/?q=",
        "COPY customers",
    ],
)
def test_a_whole_address_is_left_alone(target: str) -> None:
    assert not lacks_value(target)


def test_each_class_of_status_has_its_own_advice() -> None:
    advice = [status_help(status) for status in (200, 302, 400, 401, 429, 418, 503)]
    assert len(set(advice)) == len(advice)
    assert all(advice)
    assert status_help(None) == ""
