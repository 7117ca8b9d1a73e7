"""What this app tells the audit log. Runs by schedule are run history, not audit entries."""

from __future__ import annotations

from governance.audit.events import register

register("model.created", "created the model")
register("model.updated", "changed the model")
register("model.columns_refreshed", "read the model's columns again")
register("model.column_changed", "changed a column of the model")
register("model.deleted", "deleted the model")
register("model.previewed", "previewed rows of the model")
register("source.previewed", "previewed a query on the source")
register("sync.created", "created the sync")
register("sync.updated", "changed the sync")
register("sync.deleted", "deleted the sync")
register("sync.scheduled", "changed the sync's schedule")
register("sync.enabled", "switched the sync's schedule on")
register("sync.disabled", "switched the sync's schedule off")
register("sync.paused", "paused the sync")
register("sync.resumed", "resumed the sync")
register("sync.reset", "set what the sync's next run does")
register("sync.logs_changed", "changed what the sync logs in the warehouse")
register("run.logs_requested", "asked for a run's logs to be written again")
register("sync.alerting_changed", "changed the sync's alert thresholds or recipients")
register("sync.alert_muted", "muted an alert of the sync")
register("sync.alert_unmuted", "ended the mute of an alert of the sync")
register("destination.alerting_changed", "changed the alert thresholds or recipients of the destination's syncs")
register("sync.guardrails_changed", "changed the sync's guardrails")
register("run.started", "started a run")
register("run.cancelled", "cancelled a run")
register("run.released", "released a held run")
register("run.dropped", "dropped the changes of a held run")
register("run.exported", "exported rows of a run")
