"""Forms of this app: they shape input, services judge it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from allauth.account.forms import LoginForm as BaseLoginForm
from allauth.account.forms import ResetPasswordForm as BaseResetPasswordForm
from allauth.account.forms import SignupForm as BaseSignupForm
from allauth.core import context
from django import forms
from django.core.validators import validate_email

from config.timezones import timezone_names
from config.ui.widgets import Toggle
from workspaces.adapters import invitation_of
from workspaces.models import IdentityProvider, Organization, Role, User, UserGroup
from workspaces.scopes import KeyScope
from workspaces.selectors import service_accounts
from workspaces.sso.access import provider_for_email

KEY_LIFETIMES = [(30, "in 30 days"), (90, "in 90 days"), (365, "in a year"), (0, "never")]


MOST_INVITED = 50


def timezone_choices() -> list[tuple[str, str]]:
    """All zones by name, UTC first."""
    names = (name for name in timezone_names() if "/" in name or name == "UTC")
    return [(name, name.replace("_", " ")) for name in names]


class LoginForm(BaseLoginForm):  # type: ignore[misc]  # the library ships no types
    """E-mail and password. People of a domain that is captured are shown the way to their identity provider first."""

    # Set by the link for those who have a password all the same: guests, and admins in an emergency.
    use_password = forms.BooleanField(required=False, widget=forms.HiddenInput)

    provider: IdentityProvider | None = None

    def clean(self) -> dict[str, Any] | None:
        if not self.cleaned_data.get("use_password"):
            self.provider = provider_for_email(str(self.cleaned_data.get("login") or ""))
        if self.provider is not None:
            raise forms.ValidationError(
                f"People with this address sign in through their organization: {self.provider.organization.name}.",
                code="sso",
            )
        return super().clean()  # type: ignore[no-any-return]


class ResetPasswordForm(BaseResetPasswordForm):  # type: ignore[misc]  # the library ships no types
    """Accounts of an identity provider have no password to reset."""

    def clean_email(self) -> str:
        email = str(super().clean_email())
        self.users: list[User] = [user for user in self.users if user.sso_organization_id is None]
        return email


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
        return zone if zone in timezone_names() else "UTC"


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


NEW_ORGANIZATION = "new"


class NewWorkspaceForm(WorkspaceForm):
    """A workspace, whose it is, and where its data is; ``organizations`` are those that the person may add to."""

    organization = forms.ChoiceField(label="Organization", help_text="People and groups belong to it.")
    organization_name = forms.CharField(
        label="Name of the new organization",
        max_length=120,
        required=False,
        help_text="Usually the company's name. You become its admin.",
    )
    field_order = ("organization", "organization_name", "name", "slug", "region")
    region = forms.CharField(
        label="Region",
        max_length=60,
        required=False,
        widget=forms.TextInput(attrs={"placeholder": "European Union, AWS"}),
        help_text="A label that tells people where its data is kept. It cannot be changed later.",
    )

    def __init__(self, *args: Any, organizations: Sequence[Organization], may_found: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = [(str(each.pk), each.name) for each in organizations]
        new = [(NEW_ORGANIZATION, "New organization")] if may_found else []
        self.fields["organization"].choices = [*offered, *new]  # type: ignore[attr-defined]
        if not may_found:
            del self.fields["organization_name"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("organization") == NEW_ORGANIZATION and not data.get("organization_name", "").strip():
            self.add_error("organization_name", "Enter a name.")
        return data


class JoinForm(forms.Form):
    """Which workspace somebody asks to join, and why."""

    address = forms.CharField(
        label="Address of the workspace",
        max_length=63,
        help_text="What stands behind the first slash in its links, such as “acme” in example.com/acme/syncs.",
    )
    message = forms.CharField(
        label="Message to its admins", max_length=400, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )

    def clean_address(self) -> str:
        """The address alone, where a whole link was pasted."""
        path = urlsplit(str(self.cleaned_data["address"])).path.strip("/")
        return path.partition("/")[0].lower()


class InvitationForm(forms.Form):
    """Whom to invite, and into which groups."""

    emails = forms.CharField(
        label="E-mail addresses",
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "autocomplete": "off"}),
        help_text=f"One a line, or separated by commas; at most {MOST_INVITED} at once.",
    )
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
    is_viewer = forms.BooleanField(
        label="Organization viewer",
        required=False,
        help_text="May look at everything in all workspaces, without row values, and change nothing.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _groups(self).queryset = UserGroup.objects.all()

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if "groups" in data and not (data["groups"] or data.get("is_admin") or data.get("is_viewer")):
            self.add_error("groups", "Choose at least one, so that the person sees something once they join.")
        return data

    def clean_emails(self) -> list[str]:
        """Each address once, in the order given; the service judges them."""
        found = re.split(r"[\s,;]+", str(self.cleaned_data["emails"]))
        emails = list(dict.fromkeys(email.lower() for email in found if email))
        if len(emails) > MOST_INVITED:
            raise forms.ValidationError(f"At most {MOST_INVITED} addresses at once; these are {len(emails)}.")
        wrong = [email for email in emails if not _is_email(email)]
        if wrong:
            raise forms.ValidationError(f"“{wrong[0]}” is not an e-mail address.")
        return emails


class OrganizationSettingsForm(forms.Form):
    """The organization's name, and how people come in."""

    name = forms.CharField(label="Name", max_length=120)
    allow_invitations = forms.BooleanField(
        label="People may be invited by e-mail",
        required=False,
        widget=Toggle,
        help_text="Turn it off where everybody comes through the identity provider.",
    )
    sso_may_create_workspaces = forms.BooleanField(
        label="People of the identity provider may make workspaces",
        required=False,
        widget=Toggle,
        help_text="As organization admins. Turn it off to leave that to admins with an account of Headrace's own.",
    )


class GroupForm(forms.Form):
    """What a group is called and who it is for."""

    name = forms.CharField(label="Name", max_length=120)
    description = forms.CharField(label="Description", max_length=400, required=False)


class SpaceForm(forms.Form):
    """A space and the groups that see it."""

    name = forms.CharField(label="Name", max_length=120)
    description = forms.CharField(label="Description", max_length=400, required=False)
    groups: forms.ModelMultipleChoiceField[UserGroup] = forms.ModelMultipleChoiceField(
        label="Groups that see it",
        queryset=None,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Workspace admins see every space. A space gives no rights: roles still decide what people may do.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _groups(self).queryset = UserGroup.objects.all()


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


class RoleForm(forms.Form):
    """What a custom role is called and what it is for."""

    name = forms.CharField(label="Name", max_length=120)
    description = forms.CharField(label="What it is for", max_length=400, required=False)


class NewRoleForm(RoleForm):
    """A new role, empty or like another."""

    copy_of: forms.ModelChoiceField[Role] = forms.ModelChoiceField(
        label="Start from",
        queryset=None,
        required=False,
        empty_label="Nothing but looking",
        help_text="What that role allows is copied once; later changes to it do not follow.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["copy_of"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Role.objects.all()


class ApiKeyForm(forms.Form):
    """What a key is for."""

    name = forms.CharField(label="Name", max_length=120, help_text="Where it is used, such as “Airflow production”.")
    owner: forms.ModelChoiceField[User] = forms.ModelChoiceField(
        label="Acts as",
        queryset=None,
        required=False,
        empty_label="Me",
        help_text="Your own key stops when you leave. A service account's goes on, with the access its groups give.",
    )
    scopes = forms.MultipleChoiceField(
        label="May be used to",
        choices=KeyScope.choices,
        initial=[KeyScope.READ, KeyScope.RUN],
        widget=forms.CheckboxSelectMultiple,
    )
    days = forms.TypedChoiceField(
        label="Expires", coerce=int, choices=KEY_LIFETIMES, initial=90, help_text="Refused from then on."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["owner"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = User.objects.filter(pk__in=service_accounts().values("user"))
        field.label_from_instance = lambda obj: obj.display_name  # type: ignore[method-assign]

    def expires_at(self, now: datetime) -> datetime | None:
        """When the chosen lifetime ends; nothing for a key without end."""
        days: int = self.cleaned_data["days"]
        return now + timedelta(days=days) if days else None


class ServiceAccountForm(forms.Form):
    """A program that gets access of its own."""

    name = forms.CharField(label="Name", max_length=120, help_text="The program, such as “Airflow”.")
    groups: forms.ModelMultipleChoiceField[UserGroup] = forms.ModelMultipleChoiceField(
        label="Groups",
        queryset=None,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Access comes from groups: without one, its keys open nothing.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _groups(self).queryset = UserGroup.objects.all()


def _is_email(text: str) -> bool:
    try:
        validate_email(text)
    except forms.ValidationError:
        return False
    return True


def _groups(form: forms.Form) -> forms.ModelMultipleChoiceField[UserGroup]:
    field = form.fields["groups"]
    assert isinstance(field, forms.ModelMultipleChoiceField)
    return field
