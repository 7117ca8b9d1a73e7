"""The audit events of links and deployments; what a deployment changes is told by the app that owns it."""

from __future__ import annotations

from governance.audit.events import register

register("deployment.started", "began to deploy to another workspace")
register("deployment.finished", "deployed to another workspace")
