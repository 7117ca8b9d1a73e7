"""Forms of this app: they shape input, services judge it."""

from __future__ import annotations

from typing import Any

from django import forms

from config.ui.widgets import CheckCards, Toggle
from governance.approvals.models import MAX_APPROVERS, ApprovalPolicy
from governance.approvals.services.drafts import MAX_COMMENT
from workspaces.models import OrganizationMember


class PolicyForm(forms.Form):
    """When changes need approval."""

    use_required_attribute = False

    required = forms.BooleanField(
        label="Changes of models and syncs need approval",
        required=False,
        widget=Toggle,
        help_text="Queries, keys, column types, sync configurations, mappings, guardrails and schedules. Names, "
        "descriptions, alerts and pausing go live at once.",
    )
    self_approval = forms.BooleanField(
        label="People with both rights may publish their own changes",
        required=False,
        help_text="Without this, everybody needs somebody else, admins too.",
    )
    approvers = forms.IntegerField(
        label="Approvals needed",
        min_value=1,
        max_value=MAX_APPROVERS,
        help_text="How many people have to say yes before a change is live. With two or more, nobody publishes alone.",
    )
    channel_id = forms.TypedChoiceField(
        label="Also tell this channel",
        required=False,
        coerce=int,
        empty_value=None,
        help_text="Reviewers and authors are told by e-mail in any case.",
    )

    def __init__(self, *args: Any, places: list[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["channel_id"].choices = [("", "No channel"), *places]  # type: ignore[attr-defined]

    @classmethod
    def of(cls, policy: ApprovalPolicy, places: list[tuple[int, str]], data: Any = None) -> PolicyForm:
        """The form with what is stored."""
        names = ("required", "self_approval", "approvers", "channel_id")
        return cls(data, places=places, initial={name: getattr(policy, name) for name in names})


class SubmitForm(forms.Form):
    """Whom to ask, and what to tell them."""

    use_required_attribute = False

    reviewers = forms.MultipleChoiceField(
        label="Reviewers",
        required=False,
        widget=CheckCards,
        help_text="They get an e-mail. Whoever else may approve this finds it under Requests.",
    )
    comment = forms.CharField(
        label="Comment",
        required=False,
        max_length=MAX_COMMENT,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="What the change is for, and what to look at.",
    )

    def __init__(self, *args: Any, people: list[OrganizationMember], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people = {str(member.user_id): member.user for member in people}
        choices = [(pk, user.display_name) for pk, user in self.people.items()]
        self.fields["reviewers"].choices = choices  # type: ignore[attr-defined]
        if not choices:
            del self.fields["reviewers"]

    def chosen(self) -> list[Any]:
        """The people that were ticked."""
        return [self.people[pk] for pk in self.cleaned_data.get("reviewers", ())]
