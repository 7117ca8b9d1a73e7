"""Models and syncs as environments see them: what a deployment copies, checks and does (see ADR 16)."""
