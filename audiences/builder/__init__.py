"""The audience builder without its pages: a definition while somebody works on it. No Django.

A definition on the page may be unfinished, so it is kept as JSON values (:mod:`edits`), brought into a shape
that fits the schema after each change (:mod:`fitting`), and shown as blocks with all that can be chosen
(:mod:`blocks`). Only saving needs it to be a whole :class:`~audiences.query.conditions.Definition`.
"""
