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
        return self.get(email__iexact=username)


class User(AbstractBaseUser):
    """A person who signs in with an e-mail address.

    Not walled: one person may belong to several organizations, and signing in
    comes before any scope. What others see of people goes through
    :class:`OrganizationMember`, which is.
    """

    email = models.EmailField(max_length=254, unique=True)
    name = models.CharField(max_length=120, blank=True)
    timezone = models.CharField(max_length=64, default="UTC")
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_any_case")]

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
    """A person's place in an organization; its admins may do everything in all its workspaces."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    is_admin = models.BooleanField(default=False)
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
    """One person in one group."""

    group = models.ForeignKey(UserGroup, on_delete=models.CASCADE, related_name="members")
    member = models.ForeignKey(OrganizationMember, on_delete=models.CASCADE, related_name="groups")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "member"], name="group_member_once")]

    def __str__(self) -> str:
        return f"{self.member_id} in {self.group_id}"
