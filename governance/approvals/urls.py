"""Addresses of requests and of the rule about them, under ``/<workspace>/``."""

from django.urls import path

from governance.approvals import views

app_name = "approvals"
urlpatterns = [
    path("governance/requests", views.requests, name="requests"),
    path("governance/requests/mine", views.requests, {"show": "mine"}, name="requests_mine"),
    path("governance/requests/all", views.requests, {"show": "all"}, name="requests_all"),
    path("governance/requests/badge", views.badge, name="badge"),
    path("governance/requests/<int:draft_id>", views.request_page, name="request"),
    path("governance/requests/<int:draft_id>/submit", views.submit, name="submit"),
    path("governance/requests/<int:draft_id>/approve", views.approve, name="approve"),
    path("governance/requests/<int:draft_id>/deny", views.deny, name="deny"),
    path("governance/requests/<int:draft_id>/withdraw", views.withdraw, name="withdraw"),
    path("governance/requests/<int:draft_id>/delete", views.delete, name="delete"),
    path("governance/requests/<int:draft_id>/rebase", views.rebase, name="rebase"),
    path("governance/requests/<int:draft_id>/comment", views.comment, name="comment"),
    path("settings/approvals", views.policy, name="policy"),
]
