"""REST endpoints of models, syncs and runs."""
