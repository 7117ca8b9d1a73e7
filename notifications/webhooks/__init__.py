"""Signed events for a workspace's own programs: what happened to runs, and what changed."""
