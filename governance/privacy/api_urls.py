"""Addresses of the REST endpoints of look-ups, erasures, what is held and retention, below ``/api/v1/``."""

from django.urls import path

from governance.privacy import api

ONE = "people-look-ups/<api_id:case_id>"

urlpatterns = [
    path("people-look-ups", api.LookUpListView.as_view(), name="look_ups"),
    path("people-look-ups/scopes", api.LookUpScopesView.as_view(), name="look_up_scopes"),
    path(ONE, api.LookUpView.as_view(), name="look_up"),
    path(f"{ONE}/erasure", api.ErasureView.as_view(), name="erasure"),
    path(f"{ONE}/erasure/confirm", api.ConfirmErasureView.as_view(), name="erasure_confirm"),
    path(f"{ONE}/erasure/resume", api.ResumeErasureView.as_view(), name="erasure_resume"),
    path(f"{ONE}/erasure/report", api.ErasureReportView.as_view(), name="erasure_report"),
    path(f"{ONE}/evidence", api.EvidenceView.as_view(), name="look_up_evidence"),
    path("evidence", api.EvidenceOfView.as_view(), name="evidence"),
    path("holdings", api.HoldingListView.as_view(), name="holdings"),
    path("holdings/delete", api.DeleteHoldingView.as_view(), name="holding_delete"),
    path("data-retention", api.RetentionView.as_view(), name="retention"),
]
