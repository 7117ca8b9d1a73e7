"""Forms of this app: they shape input, services judge it."""

from __future__ import annotations

import zoneinfo
from typing import Any

from allauth.account.forms import SignupForm as BaseSignupForm
from allauth.core import context
from django import forms

from workspaces.adapters import invitation_of
from workspaces.models import OrganizationMember, Role, User, UserGroup


def timezone_choices() -> list[tuple[str, str]]:
    """All zones by name, UTC first."""
    names = sorted(zoneinfo.available_timezones() - {"UTC"})
    return [("UTC", "UTC"), *((name, name.replace("_", " ")) for name in names if "/" in name)]


class SignupForm(BaseSignupForm):  # type: ignore[misc]  # the library ships no types
    """Name, e-mail and password; founders also name their organization and first workspace."""

    name = forms.CharField(label="Your name", max_length=120, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    organization = forms.CharField(label="Organization", max_length=120)
    workspace = forms.CharField(
        label="First workspace",
        max_length=120,
        help_text="A team or a stage, such as “Marketing” or “Production”. You can add more later.",
    )
    # Filled in by the browser; a zone we do not know becomes UTC.
    timezone = forms.CharField(required=False, widget=forms.HiddenInput(attrs={"data-timezone": ""}))

    field_order = ("name", "email", "password1", "organization", "workspace", "timezone")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.invitation = invitation_of(context.request)
        if self.invitation is not None:
            del self.fields["organization"], self.fields["workspace"]
            self.fields["email"].initial = self.invitation.email
            self.fields["email"].disabled = True

    def clean_timezone(self) -> str:
        zone = str(self.cleaned_data["timezone"])
        return zone if zone in zoneinfo.available_timezones() else "UTC"


class OrganizationForm(forms.Form):
    """What a founder names."""

    organization = forms.CharField(label="Organization", max_length=120)
    workspace = forms.CharField(label="First workspace", max_length=120)


class ProfileForm(forms.Form):
    """A person's own name and time zone."""

    name = forms.CharField(label="Name", max_length=120, required=False)
    timezone = forms.ChoiceField(
        label="Time zone", choices=timezone_choices, help_text="Times are shown in this zone; schedules are in UTC."
    )

    @classmethod
    def of(cls, user: User) -> ProfileForm:
        """Filled with what is stored."""
        return cls(initial={"name": user.name, "timezone": user.timezone})


class WorkspaceForm(forms.Form):
    """A workspace's name and address."""

    name = forms.CharField(label="Name", max_length=120)
    slug = forms.CharField(
        label="Address",
        max_length=63,
        required=False,
        help_text="Begins every URL of the workspace. Old addresses redirect and stay reserved.",
    )


class InvitationForm(forms.Form):
    """Whom to invite, and into which groups."""

    email = forms.EmailField(label="E-mail")
    groups: forms.ModelMultipleChoiceField[UserGroup] = forms.ModelMultipleChoiceField(
        label="Groups",
        queryset=None,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Access comes from groups: without one, the person sees no workspace.",
    )
    is_admin = forms.BooleanField(
        label="Organization admin",
        required=False,
        help_text="May do everything in all workspaces, and manage people and groups.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _groups(self).queryset = UserGroup.objects.all()


class MemberForm(forms.Form):
    """A person's place in the organization."""

    is_admin = forms.BooleanField(label="Organization admin", required=False)


class GroupForm(forms.Form):
    """A group and who is in it."""

    name = forms.CharField(label="Name", max_length=120)
    description = forms.CharField(label="Description", max_length=400, required=False)
    members: forms.ModelMultipleChoiceField[OrganizationMember] = forms.ModelMultipleChoiceField(
        label="Members", queryset=None, required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["members"]
        assert isinstance(field, forms.ModelMultipleChoiceField)
        field.queryset = OrganizationMember.objects.select_related("user").order_by("user__email")


class GroupRoleForm(forms.Form):
    """The role a group holds in the workspace."""

    role: forms.ModelChoiceField[Role] = forms.ModelChoiceField(
        label="Role", queryset=None, required=False, empty_label="No access"
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["role"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Role.objects.all()


class ApiKeyForm(forms.Form):
    """What a key is for."""

    name = forms.CharField(label="Name", max_length=120, help_text="Where it is used, such as “Airflow production”.")


def _groups(form: forms.Form) -> forms.ModelMultipleChoiceField[UserGroup]:
    field = form.fields["groups"]
    assert isinstance(field, forms.ModelMultipleChoiceField)
    return field
