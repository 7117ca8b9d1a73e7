"""The governance app: what is remembered, and the pages that show it."""

from django.apps import AppConfig


class GovernanceConfig(AppConfig):
    name = "governance"
