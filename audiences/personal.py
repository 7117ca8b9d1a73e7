"""Which columns look as if they held personal data, by their names: a reason to look at them, and no decision."""

from __future__ import annotations

import re
from collections.abc import Mapping

from django.db.models import Q

from audiences.choices import PersonalData, Privacy

# Read by Python and by PostgreSQL alike, whatever the case. A word ends at an underscore, a hyphen or the end.
_END = r"([_-]|$)"
_START = r"(^|[_-])"
PATTERNS: Mapping[PersonalData, str] = {
    PersonalData.EMAIL: rf"{_START}e[_-]?mail([_-]?(address|adresse|hash))?$|mailadresse",
    PersonalData.PHONE: rf"{_START}(phone|mobile|telephone|telefon|handy|fax|msisdn)([_-]?(number|nr|no))?$",
    PersonalData.BIRTHDATE: rf"birth|{_START}(dob|geburtstag|geburtsdatum){_END}",
    PersonalData.IP_ADDRESS: rf"{_START}ip([_-]?(addr|address|v4|v6))?$",
    PersonalData.IDENTITY: rf"{_START}(ssn|passport|tax[_-]?id|iban|national[_-]?id|social[_-]?security){_END}",
    PersonalData.ADDRESS: rf"{_START}(street|address|strasse|zip|zip[_-]?code|postal[_-]?code|postcode|plz){_END}",
    PersonalData.NAME: (
        r"^(name|surname|forename|vorname|nachname)$"
        r"|(^|[_-])(first|last|middle|full|given|family|maiden|customer|contact|person|user)[_-]?name$"
    ),
}
# Whether somebody agreed to be written to is not where they can be written to.
_NO_SUCH_TYPES = ("boolean",)


# Whether somebody agreed to get e-mail, as such columns are usually called.
CONSENT_TO_EMAIL = re.compile(
    r"e[_-]?mail.*(opt[_-]?in|consent|subscribed|permission|allowed)|(opt[_-]?in|consent|subscribed).*e[_-]?mail", re.I
)


def looks_like(name: str, kind: str, privacy: str) -> PersonalData:
    """What an unreviewed column of this name and type seems to hold; nothing where somebody has decided already."""
    if privacy != Privacy.UNREVIEWED or kind in _NO_SUCH_TYPES:
        return PersonalData.NONE
    return next((each for each, pattern in PATTERNS.items() if re.search(pattern, name, re.I)), PersonalData.NONE)


def flagged() -> Q:
    """The condition under which a schema column is flagged, as :func:`looks_like` says."""
    named = Q(name__iregex="|".join(PATTERNS.values()))
    return named & Q(privacy=Privacy.UNREVIEWED) & ~Q(type__in=_NO_SUCH_TYPES)
