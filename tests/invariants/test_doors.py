"""One outbound HTTP door, and one place that reads the environment."""

from __future__ import annotations

from tests.invariants import tree

CLIENTS = {"httpx", "httpx_aiohttp", "aiohttp", "requests", "urllib3", "urllib.request", "http.client"}
HTTP_EXEMPT = {
    "config/supervisor/run.py": "asks its own web process on the loopback address whether it is ready",
}
ENVIRONMENT = {("os", "environ"), ("os", "getenv"), ("os", "putenv")}
READ_EXEMPT: dict[str, str] = {}


def test_http_leaves_only_through_the_guarded_client() -> None:
    found = [
        (path, line)
        for path in tree.files(*tree.PACKAGES)
        if not path.as_posix().startswith("connectors/sdk/net")
        for name, line in tree.imported(path)
        if any(name == client or name.startswith(f"{client}.") for client in CLIENTS)
    ]
    assert tree.unexplained(sorted(set(found)), HTTP_EXEMPT) == [], "use connectors.sdk.net"


def test_only_config_reads_the_environment() -> None:
    import ast

    found = [
        (path, node.lineno)
        for path in tree.files(*tree.APPS)
        for node in ast.walk(tree.tree(path))
        if isinstance(node, ast.Attribute) and tuple(tree.dotted(node)[-2:]) in ENVIRONMENT
    ]
    assert tree.unexplained(found, READ_EXEMPT) == [], "add a setting to config/settings.py"
