"""Pages of models, syncs and runs, and the workspace's overview."""
