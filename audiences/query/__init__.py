"""Condition trees and what they compile to. No Django: a schema and a tree in, sqlglot trees out.

The house calls these:

``schema.StudioSchema``
    what can be asked about, built from the database; ``times.is_zoned(dialect, native_type)`` for its columns.
``codec.load_definition``, ``load_group``, ``load_trait``, ``dump``, ``json_schema``
    trees ⇄ JSON. Raises ``errors.InvalidTree``, whose ``problems`` carry the condition's path and plain words.
``statements.Asker(schema=…, clock=Clock(now, zone), sampled=False)``
    ``count``, ``members``, ``funnel``, ``explain``, ``trait_values``, and ``check`` for what is wrong; each
    gives a ``Query`` with ``sql()`` and the names of its columns.
``evidence.evidence`` and ``trait_rows``
    the rows that decide a condition for one member; ``insights.overlap``, ``breakdown``, ``suggestions``.
``layers.members``, ``waterfall``, ``stopped``, ``allowed``
    from an audience to what a sync gets (ADR 18), with ``splits.allocate`` and ``resize``.
``sampling.sample_parent``, ``sample_related``
    the queries that samples are made of.
``sentences.Speaker``
    trees in plain words.
``values.OPERATORS``
    which operators a column type takes.
"""
