"""The warehouse planner: what changed is found by SQL in the source, and only that leaves it.

``dialects``      what differs between warehouses, one profile each
``tables``        the names of a run's tables, and which of them are dead
``statements``    every statement of a run as a tree
``desk``          a session that a person can stop
``preparation``   query, keys, comparison, change set → ``Prepared``
``changes``       streaming the change set into the same parts as the local planner's
``moving``        what the local planner knew, taken into the warehouse
``settlement``    unsettled rows → ``_rejections``; tables that nothing needs any more go
"""
