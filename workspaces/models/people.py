"""People, their place in an organization, and the groups that access is given to."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower

from workspaces.scoping import OrganizationModel


class UserManager(BaseUserManager["User"]):
    """Finds people by e-mail, whatever its case."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """A new person; the e-mail is kept in lower case."""
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email__iexact=username, sso_organization=None)

    def with_email(self, email: str) -> User | None:
        """The account of Headrace's own with this address; an identity provider's account may have it too."""
        return self.filter(email__iexact=email.strip(), sso_organization=None).first()


class User(AbstractBaseUser):
    """A person who signs in with an e-mail address.

    Not walled: one person may belong to several organizations, and signing in
    comes before any scope. What others see of people goes through
    :class:`OrganizationMember`, which is.

    ``is_service`` marks a service account: a place in one organization for a
    program, in groups like a person, which has API keys and can never sign in.
    ``is_operator`` opens the console of the installation (config/operating/console.py).
    Since ``barred_at`` the operator lets nobody in by this account, whatever an identity provider says.
    """

    email = models.EmailField(max_length=254)
    name = models.CharField(max_length=120, blank=True)
    timezone = models.CharField(max_length=64, default="UTC")
    is_active = models.BooleanField(default=True)
    is_service = models.BooleanField(default=False)
    is_operator = models.BooleanField(default=False)
    barred_at = models.DateTimeField(null=True, blank=True, editable=False)
    # The organization whose identity provider vouches for this account, which has no password and works there only.
    sso_organization = models.ForeignKey(
        "workspaces.Organization", null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        # An identity provider may vouch for an address that somebody has an account of their own with.
        constraints = [
            models.UniqueConstraint(
                Lower("email"), condition=models.Q(sso_organization__isnull=True), name="user_email_any_case"
            )
        ]
        indexes = [models.Index(Lower("email"), name="user_email_lower")]

    def __str__(self) -> str:
        return self.email

    @property
    def display_name(self) -> str:
        """The name, or the e-mail where none was given."""
        return self.name or self.email

    def get_full_name(self) -> str:
        return self.display_name

    def get_short_name(self) -> str:
        return self.display_name


class OrganizationMember(OrganizationModel):
    """A person's place in an organization.

    Its admins may do everything in all its workspaces; its viewers may open all of
    them and read its settings. Both are shown as built-in groups.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    is_admin = models.BooleanField(default=False)
    is_viewer = models.BooleanField(default=False)
    # Whether only the identity provider's groups make them one, so that leaving those ends it.
    admin_is_mapped = models.BooleanField(default=False)
    joined_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "user"], name="member_once")]

    def __str__(self) -> str:
        return str(self.user)


class UserGroup(OrganizationModel):
    """A set of people that roles are given to; roles never go to single people."""

    name = models.CharField(max_length=120)
    description = models.CharField(max_length=400, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name", "id"]
        constraints = [models.UniqueConstraint(fields=["organization", "name"], name="group_name_once")]

    def __str__(self) -> str:
        return self.name


class GroupMember(OrganizationModel):
    """One person in one group: put there by hand, by the identity provider's groups, or by both.

    What comes from the identity provider cannot be taken away here, and what was done
    by hand stays when the identity provider takes its part away.
    """

    group = models.ForeignKey(UserGroup, on_delete=models.CASCADE, related_name="members")
    member = models.ForeignKey(OrganizationMember, on_delete=models.CASCADE, related_name="groups")
    by_hand = models.BooleanField(default=True)
    by_provider = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "member"], name="group_member_once")]

    def __str__(self) -> str:
        return f"{self.member_id} in {self.group_id}"
