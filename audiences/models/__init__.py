"""What the studio stores: the schema that audiences are built on."""

from audiences.models.grants import ParentModelGrant
from audiences.models.relationships import Relationship, ThroughStep
from audiences.models.schema import SchemaColumn, SchemaModel

__all__ = ["ParentModelGrant", "Relationship", "SchemaColumn", "SchemaModel", "ThroughStep"]
