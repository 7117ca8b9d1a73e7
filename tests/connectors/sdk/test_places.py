"""Places that rows go into: what is remembered of those that a run made."""

from __future__ import annotations

from dataclasses import replace

from connectors.destinations.mailchimp import TAG, MailchimpDestination
from tests.connectors.kit.jobs import job_for


def test_a_place_of_the_same_name_inside_another_one_is_another_place() -> None:
    definition = MailchimpDestination.definition
    news = {"audience": "news", "tag_from": "new", "tag_name": "VIP"}
    job = job_for(definition, news, sync_type=definition.sync_type("tag"), fields=["email_address"])
    known = replace(job, kept={"tag:news:VIP": "77"})
    assert TAG.id_for(known) == "77"
    assert TAG.id_for(replace(known, settings={**known.settings, "audience": "shop"})) == ""
