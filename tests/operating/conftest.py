"""The shop whose syncs really run, for backups of it."""

from tests.syncs.app.conftest import place, shop, world

__all__ = ["place", "shop", "world"]
