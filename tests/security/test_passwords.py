"""How an installation keeps passwords; the tests themselves use a quick hash."""

from __future__ import annotations

from django.conf import global_settings

import config.settings


def test_passwords_are_kept_by_the_slow_hash_that_django_ships() -> None:
    assert not hasattr(config.settings, "PASSWORD_HASHERS")
    assert global_settings.PASSWORD_HASHERS[0].endswith((".PBKDF2PasswordHasher", ".Argon2PasswordHasher"))
