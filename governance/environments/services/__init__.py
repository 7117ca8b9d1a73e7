"""Every write to links and to the history of deployments.

Links change as part of what the owning app does: its services call the functions of ``links``
inside their own transaction. Deployments have services of their own.
"""

from governance.environments.services.deployments import (
    begin_deployment,
    end_deployment,
    fail_item,
    finish_item,
    settle_item,
)
from governance.environments.services.links import bind, forget_thing, join_link, leave_link, remember_values

__all__ = [
    "begin_deployment",
    "bind",
    "end_deployment",
    "fail_item",
    "finish_item",
    "forget_thing",
    "join_link",
    "leave_link",
    "remember_values",
    "settle_item",
]
