"""PostgreSQL and a Redis-speaking server as children of this process, from pip wheels.

The default when ``DATABASE_URL``/``REDIS_URL`` are not set: no Docker, no
package manager, the same as root and as a plain user.
"""

from config.embedded.errors import EmbeddedError
from config.embedded.services import EmbeddedServices, Urls

__all__ = ["EmbeddedError", "EmbeddedServices", "Urls"]
