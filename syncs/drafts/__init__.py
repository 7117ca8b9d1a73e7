"""Drafts of models and syncs: what of them needs approval, as JSON states, and how reviewers see them."""

MODEL, SYNC = "model", "sync"
