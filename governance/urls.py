"""Addresses of the audit log, under ``/<workspace>/``."""

from django.urls import path

from governance import views
from governance.log import views as log_views

_organization = "organization/audit-log"

app_name = "governance"
urlpatterns = [
    path("audit-log", views.audit_log, name="audit_log"),
    path("audit-log/export", views.audit_export, name="audit_export"),
    path("audit-log/<int:entry_id>", views.audit_entry, name="audit_entry"),
    path(_organization, views.organization_log, name="organization_audit_log"),
    path(f"{_organization}/export", views.organization_export, name="organization_audit_export"),
    path(f"{_organization}/<int:entry_id>", views.organization_entry, name="organization_audit_entry"),
    path(f"{_organization}/integrity", log_views.integrity, name="audit_integrity"),
    path(f"{_organization}/integrity/verification", log_views.verify, name="audit_verify"),
    path(f"{_organization}/integrity/checkpoint", log_views.compare, name="audit_compare"),
]
