"""Every write of this app."""

from governance.approvals.services.decisions import (
    approve_and_publish,
    approve_draft,
    deny_draft,
    publish_draft,
    take_for_publishing,
)
from governance.approvals.services.drafts import (
    begin_draft,
    comment_on_draft,
    delete_draft,
    drop_draft,
    rebase_draft,
    save_draft,
    submit_draft,
    withdraw_draft,
)
from governance.approvals.services.policy import set_policy

__all__ = [
    "approve_and_publish",
    "approve_draft",
    "begin_draft",
    "comment_on_draft",
    "delete_draft",
    "deny_draft",
    "drop_draft",
    "publish_draft",
    "rebase_draft",
    "save_draft",
    "set_policy",
    "submit_draft",
    "take_for_publishing",
    "withdraw_draft",
]
