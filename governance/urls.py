"""Addresses of the audit log, under ``/<workspace>/``."""

from django.urls import path

from governance import views

app_name = "governance"
urlpatterns = [
    path("audit-log", views.audit_log, name="audit_log"),
    path("audit-log/<int:entry_id>", views.audit_entry, name="audit_entry"),
]
