"""Fixed vocabularies of the studio. Those that the query package knows, too, have its values; a test compares them."""

from __future__ import annotations

from datetime import timedelta

from django.db import models

# The studio among the product areas.
STUDIO = "studio"


class ModelKind(models.TextChoices):
    """What a model of the schema is for."""

    PARENT = "parent", "Parent model"
    RELATED = "related", "Related model"
    EVENT = "event", "Event"


class Cardinality(models.TextChoices):
    """How many rows of the other model belong to one row of this."""

    ONE_TO_MANY = "one_to_many", "1 to many"
    ONE_TO_ONE = "one_to_one", "1 to 1"
    MANY_TO_ONE = "many_to_one", "Many to 1"

    @property
    def turned(self) -> Cardinality:
        """The same, seen from the other model."""
        return _TURNED[self]

    @property
    def single(self) -> bool:
        """At most one row at the other end, so that its columns can be merged."""
        return self is not Cardinality.ONE_TO_MANY


_TURNED = {
    Cardinality.ONE_TO_MANY: Cardinality.MANY_TO_ONE,
    Cardinality.MANY_TO_ONE: Cardinality.ONE_TO_MANY,
    Cardinality.ONE_TO_ONE: Cardinality.ONE_TO_ONE,
}


class Privacy(models.TextChoices):
    """How far a column's values go."""

    UNREVIEWED = "unreviewed", "Unreviewed"
    APPROVED = "approved", "Approved"
    REDACTED = "redacted", "Redacted"
    SYNC_ONLY = "sync_only", "Sync only"
    SYNC_BLOCKED = "sync_blocked", "Sync blocked"
    BLOCKED = "blocked", "Blocked"

    @property
    def shown(self) -> bool:
        """Whether people see values of such a column; of the others no suggestions are kept."""
        return self in (Privacy.UNREVIEWED, Privacy.APPROVED, Privacy.SYNC_BLOCKED)


PRIVACY_WORDS = {
    Privacy.UNREVIEWED: "Nobody has decided yet; it can be used everywhere.",
    Privacy.APPROVED: "Seen and used everywhere.",
    Privacy.REDACTED: "Filters and syncs use it; its values are hidden from people.",
    Privacy.SYNC_ONLY: "Only syncs use it.",
    Privacy.SYNC_BLOCKED: "Seen and filtered by, but never sent to a destination.",
    Privacy.BLOCKED: "Not used anywhere.",
}


class PersonalData(models.TextChoices):
    """What a column says about a person, where somebody has said so."""

    NONE = "", "None"
    EMAIL = "email", "E-mail"
    NAME = "name", "Name"
    BIRTHDATE = "birthdate", "Birthdate"
    ADDRESS = "address", "Address"
    PHONE = "phone", "Phone"
    IP_ADDRESS = "ip_address", "IP address"
    IDENTITY = "identity", "Identity number"


class Entity(models.TextChoices):
    """What one row of a model stands for, where the studio treats it in its own way."""

    NONE = "", "Nothing in particular"
    PEOPLE = "people", "People"
    HOUSEHOLD = "household", "Household"
    ACCOUNT = "account", "Account"


class EventType(models.TextChoices):
    """What kind of thing an event is."""

    GENERIC = "generic", "Generic"
    PAGE_VIEW = "page_view", "Page view"
    PRODUCT_VIEW = "product_view", "Product view"
    ADD_TO_CART = "add_to_cart", "Add to cart"
    CHECKOUT = "checkout", "Checkout"
    PURCHASE = "purchase", "Purchase"
    SIGN_UP = "sign_up", "Sign-up"
    MESSAGE = "message", "Message"


class Every(models.TextChoices):
    """How often something is worked out again by itself."""

    NEVER = "", "Only when asked"
    HOUR = "hour", "Every hour"
    DAY = "day", "Every day"
    WEEK = "week", "Every week"

    @property
    def span(self) -> timedelta | None:
        """The time between two; nothing where it never happens by itself."""
        return _SPANS.get(self)


_SPANS = {Every.HOUR: timedelta(hours=1), Every.DAY: timedelta(days=1), Every.WEEK: timedelta(weeks=1)}


class SampleEvery(models.TextChoices):
    """How often a model is sampled again."""

    INHERIT = "inherit", "Like the parent"
    HOUR = "hour", "Every hour"
    DAY = "day", "Every day"
    WEEK = "week", "Every week"
    NEVER = "never", "Only when asked"

    def span(self, parent: Every) -> timedelta | None:
        """The time between two; nothing where it never happens by itself."""
        if self is SampleEvery.INHERIT:
            return parent.span
        return None if self is SampleEvery.NEVER else Every(self.value).span


class LookState(models.TextChoices):
    """How a look at a model's values, or a sample, is doing."""

    NONE = "", "Not yet"
    WAITING = "waiting", "Waiting for a worker"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"


class CalculationKind(models.TextChoices):
    """What a worker is asked about an audience."""

    SIZE = "size", "Size"
    DAILY = "daily", "Size of the day"
    RUN = "run", "Size after a run"
    OVERLAP = "overlap", "Overlap"
    BREAKDOWN = "breakdown", "Breakdown"
    EVENTS = "events", "Events"
    LAYERS = "layers", "Layers of a sync"
    GROUPS = "groups", "Experiment groups"


class SizeReason(models.TextChoices):
    """Why an audience was counted."""

    DAILY = "daily", "Once a day"
    ASKED = "asked", "Somebody calculated it"
    RUN = "run", "After a run"


class CalculationState(models.TextChoices):
    """How far a worker is with a count."""

    WAITING = "waiting", "Waiting"
    RUNNING = "running", "Running"
    READY = "ready", "Ready"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Given up"


class LogPlace(models.TextChoices):
    """Where the logs of audiences are."""

    WAREHOUSE = "warehouse", "In the warehouse"
    STORAGE = "storage", "In Headrace's storage"


class RecordingReason(models.TextChoices):
    """Why logs of an audience are written."""

    RUN = "run", "After a run"
    ASKED = "asked", "Somebody took a snapshot"
    SCHEDULE = "schedule", "By schedule"


class RecordingState(models.TextChoices):
    """How far a worker is with a recording."""

    WAITING = "waiting", "Waiting"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
