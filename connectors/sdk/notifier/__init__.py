"""Messages to people: one a row, several rows together, tables and CSV files; shared by chat tools and mail."""

from connectors.sdk.notifier.destination import NotifierDestination, Outgoing
from connectors.sdk.notifier.settings import MessageKinds, message_types

__all__ = ["MessageKinds", "NotifierDestination", "Outgoing", "message_types"]
