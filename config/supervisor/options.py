"""What the environment tells the supervisor."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from environs import Env

CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Options:
    """Typed environment of ``python -m config.supervisor``."""

    host: str
    port: int
    data_dir: Path
    worker_processes: int
    runs_postgres: bool
    runs_redis: bool
    runs_tunnels: bool
    demo_exit: bool
    base_url: str

    @classmethod
    def read(cls, env: Env) -> Self:
        """Read and check; a wrong value raises ``environs.EnvError``."""
        # Port of the web process.
        port = env.int("HEADRACE_PORT", 8000)
        return cls(
            # Address the web process listens on; 0.0.0.0 opens it to the network.
            host=env.str("HEADRACE_HOST", "127.0.0.1"),
            port=port,
            data_dir=Path(env.str("HEADRACE_DATA_DIR", "") or CHECKOUT / ".data").resolve(),
            worker_processes=env.int("HEADRACE_WORKER_PROCESSES", 1),
            runs_postgres=not env.str("DATABASE_URL", ""),
            runs_redis=not env.str("REDIS_URL", ""),
            runs_tunnels=bool(env.str("HEADRACE_TUNNEL_ADDRESS", "")),
            # Whether `make demo` ends after its summary.
            demo_exit=env.bool("DEMO_EXIT", False),
            base_url=env.str("HEADRACE_BASE_URL", "") or f"http://127.0.0.1:{port}",
        )
