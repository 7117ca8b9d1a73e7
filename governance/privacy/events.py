"""What this app tells the audit log. No entry holds whom it was about: it names the case."""

from __future__ import annotations

from governance.audit.events import register

register("person.looked_up", "looked a person up")
register("person.viewed", "opened what was found about a person", observed=True)
register("person.discarded", "deleted what was found about a person")
register("person.erasure_requested", "asked for a person to be forgotten")
register("person.erasure_withdrawn", "withdrew a request to forget a person")
register("person.erasure_confirmed", "confirmed that a person is to be forgotten")
register("person.erasure_resumed", "let an erasure that had stopped go on")
register("person.erased", "finished forgetting a person")
register("evidence.exported", "exported evidence")
register("retention.changed", "changed how long data is kept")
register("held_data.deleted", "deleted data that Headrace held")
