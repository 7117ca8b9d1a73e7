"""Endpoints that decide about held runs."""

from __future__ import annotations

from collections.abc import Callable

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from config.api import error_answers
from syncs import services
from syncs.api.debugging import RunView
from syncs.api.hold_shapes import DecisionBody
from syncs.api.shapes import RunOut, run_json
from syncs.models import Run
from workspaces.permissions import Permission

Decide = Callable[..., Run]
DECIDE = Permission.APPROVE_TO_DESTINATION


class DecideRunView(RunView):
    """What both decisions about a held run share."""

    permission = {"POST": DECIDE}

    def decide(self, request: Request, sync_id: int, run_id: int, choose: Decide) -> Response:
        """Check that the run is the sync's, and decide."""
        values = self.body(DecisionBody)
        run = self.run(sync_id, run_id)
        decided = choose(actor=self.actor, run=run, note=values["note"])
        return Response(run_json(self.actor, decided, run.sync))


class ReleaseRunView(DecideRunView):
    """Sending what a held run has found."""

    @extend_schema(operation_id="ReleaseRun", request=DecisionBody, responses={200: RunOut, **error_answers()})
    def post(self, request: Request, sync_id: int, run_id: int) -> Response:
        """Send exactly the changes of a held run; nothing is queried again."""
        return self.decide(request, sync_id, run_id, services.release_run)


class DropRunView(DecideRunView):
    """Ending a held run."""

    @extend_schema(operation_id="DropRun", request=DecisionBody, responses={200: RunOut, **error_answers()})
    def post(self, request: Request, sync_id: int, run_id: int) -> Response:
        """End a held run without sending anything; the next one compares with what was delivered before."""
        return self.decide(request, sync_id, run_id, services.drop_run)
