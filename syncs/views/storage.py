"""Settings → Storage: where the workspace's files are kept."""

from __future__ import annotations

import json
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views import View

from config.errors import HeadraceError, Invalid
from config.htmx import go_to, render_page
from connectors import clouds
from connectors.choices import Health, Planner
from connectors.forms import SettingsForm, Shown
from syncs import services
from syncs.models import Sync, WorkspaceStorage
from syncs.storage import own_storage
from syncs.storage_fields import MANAGED, fields_for
from workspaces.requests import WorkspaceRequest


class StoragePage(View):
    """The choice, what it is now, and what a bucket needs."""

    request: HttpRequest

    @property
    def here(self) -> WorkspaceRequest:
        """The request with its workspace and actor."""
        return cast(WorkspaceRequest, self.request)

    @property
    def url(self) -> str:
        """This page."""
        return reverse("syncs:storage", args=[self.here.workspace.slug])

    def get(self, request: HttpRequest) -> HttpResponse:
        """The page."""
        own = own_storage()
        return self._page(own, _form(own))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Test the bucket and save."""
        own = own_storage()
        form = _form(own, request.POST)
        if not form.is_valid():
            return self._page(own, form, status=422)
        try:
            saved = services.save_storage(actor=self.here.actor, values=form.values)
        except Invalid as error:
            form.take_errors(error.fields)
            return self._page(own, form, refused=None if error.fields else error, status=422)
        except HeadraceError as error:
            return self._page(own, form, refused=error, status=409)
        words = "Saved. New files are kept in your bucket from now on." if saved else "Saved. Headrace keeps the files."
        return go_to(request, self.url, words)

    def _page(
        self,
        own: WorkspaceStorage | None,
        form: SettingsForm,
        *,
        refused: HeadraceError | None = None,
        status: int = 200,
    ) -> HttpResponse:
        compared = Sync.objects.filter(baseline__isnull=False, model__source__planner=Planner.LOCAL).count()
        context = {
            "own": own,
            "form": form,
            "refused": refused,
            "compared": compared,
            "policy": _policy(own),
            "failing": own is not None and own.health == Health.FAILING,
        }
        return render_page(self.request, "syncs/storage.html", context, status=status)


class CheckStorage(StoragePage):
    """The test button."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        """Try the bucket out again."""
        try:
            tested = services.check_storage(actor=self.here.actor)
        except HeadraceError as error:
            return go_to(request, self.url, f"{error.message} {error.hint}", tone="bad")
        if tested.health != Health.HEALTHY:
            return go_to(request, self.url, "The test failed.", tone="bad")
        return go_to(request, self.url, tested.check_message)


def _form(own: WorkspaceStorage | None, data: Any = None) -> SettingsForm:
    return SettingsForm(fields_for(clouds.choices), data, shown=Shown(_config(own)))


def _config(own: WorkspaceStorage | None) -> dict[str, Any]:
    if own is None:
        return {"provider": MANAGED}
    return {
        "provider": own.provider,
        "region": own.region,
        "project": own.project,
        "account": own.account,
        "bucket": own.bucket,
        "container": own.bucket,
        "prefix": own.prefix,
        f"{own.provider}_credential": str(own.credential_id),
    }


def _policy(own: WorkspaceStorage | None) -> str:
    """What an IAM policy for S3 allows, for this bucket and prefix where they are known."""
    bucket = own.bucket if own is not None and own.provider == "aws" else "BUCKET"
    prefix = (f"{own.prefix}/" if own.prefix else "") if own is not None and own.provider == "aws" else "PREFIX/"
    listing = {
        "Effect": "Allow",
        "Action": ["s3:ListBucket", "s3:GetBucketLocation"],
        "Resource": [f"arn:aws:s3:::{bucket}"],
        "Condition": {"StringLikeIfExists": {"s3:prefix": [f"{prefix}*"]}},
    }
    objects = {
        "Effect": "Allow",
        "Action": ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:DeleteObject"],
        "Resource": [f"arn:aws:s3:::{bucket}/{prefix}*"],
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [listing, objects]}, indent=2)
