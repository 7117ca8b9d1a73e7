"""What this app tells the audit log. What workers find out about values by themselves is no entry."""

from __future__ import annotations

from governance.audit.events import register

register("schema_model.created", "added the model to the schema")
register("schema_model.updated", "changed the schema's model")
register("schema_model.columns_refreshed", "read the columns of the schema's model again")
register("schema_model.columns_changed", "changed columns of the schema's model")
register("schema_model.labelled", "changed the labels of the schema's model")
register("schema_model.looked_at", "asked for value suggestions of the schema's model")
register("schema_model.previewed", "previewed rows of the schema's model")
register("schema_model.archived", "archived the schema's model")
register("schema_model.restored", "took the schema's model back from the archive")
register("schema_model.deleted", "deleted the model from the schema")
register("relationship.created", "added the relationship to the schema")
register("relationship.updated", "changed the relationship")
register("relationship.deleted", "deleted the relationship")
register("audience.created", "added the audience")
register("audience.updated", "changed the audience")
register("audience.deleted", "deleted the audience")
register("audience.calculated", "calculated the size of an audience of")
register("audience.calculation_given_up", "gave up calculating the size of an audience of")
register("audience.previewed", "looked at members of an audience of")
