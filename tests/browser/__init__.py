"""Headless Chromium against a live server: pages as people see them."""
