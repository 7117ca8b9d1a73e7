"""Condition trees and what they compile to. No Django: a schema and a tree in, sqlglot trees out.

The house calls these:

``schema.StudioSchema``
    what can be asked about, built from the database.
"""
