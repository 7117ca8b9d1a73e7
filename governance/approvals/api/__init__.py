"""The REST API of requests for approval."""
