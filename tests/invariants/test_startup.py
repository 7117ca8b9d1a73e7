"""Starting Django stays light: engines and vendors' libraries load where they are used."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.invariants.tree import CHECKOUT

HEAVY = {
    "adbc_driver_manager",
    "adbc_driver_postgresql",
    "aiobotocore",
    "boto3",
    "botocore",
    "duckdb",
    "numpy",
    "oracledb",
    "pandas",
    "phonenumbers",
    "pyarrow",
    "pymysql",
    "pytds",
    "s3fs",
    "snowflake",
    "sqlglot",
    "trino",
}


def test_bare_django_setup_imports_nothing_heavy() -> None:
    code = "import django, sys; django.setup(); print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=CHECKOUT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert HEAVY & set(done.stdout.split()) == set()
