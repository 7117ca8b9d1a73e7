"""The pages before signing in, and the ones for errors."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.chromium import assert_sound, axe_violations
from tests.browser.conftest import Open

pytestmark = pytest.mark.browser

PATHS = ("/accounts/login/", "/accounts/signup/", "/accounts/password/reset/")


@pytest.mark.parametrize("path", PATHS)
def test_entrance_pages_are_accessible_and_fit_their_window(open_page: Open, path: str) -> None:
    page = open_page(path)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert_sound(page)


def test_a_wrong_password_says_so_beside_the_form(open_page: Open) -> None:
    page = open_page("/accounts/login/")
    page.get_by_label("E-mail").fill("nobody@example.org")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("not correct")
    assert axe_violations(page) == []
