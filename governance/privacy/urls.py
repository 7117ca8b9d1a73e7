"""Addresses of look-ups, erasures and what is held, under ``/<workspace>/``."""

from django.urls import path

from governance.privacy import views

app_name = "privacy"
urlpatterns = [
    path("governance/people", views.people, name="people"),
    path("governance/people/<int:case_id>", views.case, name="case"),
    path("governance/people/<int:case_id>/erasure", views.erasure, name="erasure"),
    path("governance/people/<int:case_id>/report", views.report, name="report"),
    path("governance/people/<int:case_id>/evidence", views.evidence, name="evidence"),
    path("governance/people/<int:case_id>/<slug:action>", views.decide, name="decide"),
    path("governance/evidence/<slug:kind>/<int:pk>", views.evidence_of, name="evidence_of"),
    path("governance/held", views.holdings, name="holdings"),
    path("governance/held/<int:source_id>", views.source_holdings, name="source_holdings"),
    path("settings/retention", views.retention, name="retention"),
]
