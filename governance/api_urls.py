"""Addresses of the REST endpoints of the audit log, below ``/api/v1/``."""

from django.urls import path

from governance.log import api

urlpatterns = [
    path("audit-log", api.AuditLogView.as_view(), name="audit_log"),
    path("audit-log/verification", api.VerificationView.as_view(), name="audit_log_verification"),
    path("audit-entries", api.AuditEntryListView.as_view(), name="audit_entries"),
    path("audit-entries/<api_id:entry_id>", api.AuditEntryView.as_view(), name="audit_entry"),
]
