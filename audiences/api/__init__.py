"""The REST API of the studio."""
