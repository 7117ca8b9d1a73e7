"""ASGI entry point of the web process."""

import gc
import os

from django.core.asgi import get_asgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_asgi_application()
get_resolver().url_patterns  # noqa: B018  loads every page, so that nobody's first one takes longer
gc.freeze()  # all of that stays: looking through it again and again took an eighth of what a builder's page takes
