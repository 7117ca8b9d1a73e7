"""Addresses of the REST endpoints of requests for approval, below ``/api/v1/``."""

from django.urls import path

from governance.approvals.api import policy, views

ONE = "change-requests/<api_id:draft_id>"

urlpatterns = [
    path("approval-policy", policy.PolicyView.as_view(), name="approval_policy"),
    path("change-requests", views.RequestListView.as_view(), name="change_requests"),
    path(ONE, views.RequestView.as_view(), name="change_request"),
    path(f"{ONE}/submit", views.SubmitView.as_view(), name="change_request_submit"),
    path(f"{ONE}/approve", views.ApproveView.as_view(), name="change_request_approve"),
    path(f"{ONE}/publish", views.PublishView.as_view(), name="change_request_publish"),
    path(f"{ONE}/deny", views.DenyView.as_view(), name="change_request_deny"),
    path(f"{ONE}/withdraw", views.WithdrawView.as_view(), name="change_request_withdraw"),
    path(f"{ONE}/rebase", views.RebaseView.as_view(), name="change_request_rebase"),
    path(f"{ONE}/comments", views.CommentView.as_view(), name="change_request_comments"),
]
