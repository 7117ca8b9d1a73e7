"""The demo: an example company with two syncs, and an endpoint that shows what arrived."""
