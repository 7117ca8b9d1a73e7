"""What a person sets for ActiveCampaign, and its limits (developers.activecampaign.com)."""

from __future__ import annotations

from connectors.sdk.destination import Limits, Rate
from connectors.sdk.fields import Text
from connectors.sdk.rest import Api, KeyInBody, PerRow, field

CUSTOM = "fields."
EMAIL = field("email", "E-mail", identifier=True, required=True)
CONTACT = (EMAIL, field("firstName", "First name"), field("lastName", "Last name"), field("phone", "Phone number"))
IN_IMPORTS = {"email": "email", "firstName": "first_name", "lastName": "last_name", "phone": "phone"}
KINDS = {"date": "date", "datetime": "moment", "checkbox": "any", "multiselect": "any", "listbox": "any"}
EVENT = (
    field("email", "E-mail", required=True, description="Of the contact who did it."),
    field("eventdata", "Value", description="What ActiveCampaign keeps beside the event's name."),
)
NAMES = PerRow(name="event", label="Event", field=field("event", "Event", required=True), discover="event_names")
EVENT_KEY = Text(
    name="event_key",
    label="Event key",
    help="Website → Site tracking → Event tracking. Needed for events alone.",
    secret=True,
    required=False,
)
EVENTS = Api(base="https://trackcmp.net", sign_in=KeyInBody(key=EVENT_KEY))
PAGE = 100
FEWEST = 10
TOO_MANY = "Rate limit exceeded."
# ActiveCampaign takes five requests a second, and 250 contacts or 400 kB an import.
RATES = (Rate(requests=5, seconds=1),)
IMPORTS = Limits(batch_rows=250, batch_bytes=350_000, rates=RATES, timeout_s=60, batch_s=1_800)
SINGLE = Limits(batch_rows=100, concurrency=2, rates=RATES, batch_s=600)
