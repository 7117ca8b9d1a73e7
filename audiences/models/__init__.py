"""What the studio stores: the schema that audiences are built on, and the audiences."""

from audiences.models.audiences import Audience, Calculation
from audiences.models.grants import ParentModelGrant
from audiences.models.relationships import Relationship, ThroughStep
from audiences.models.schema import SchemaColumn, SchemaModel

__all__ = [
    "Audience",
    "Calculation",
    "ParentModelGrant",
    "Relationship",
    "SchemaColumn",
    "SchemaModel",
    "ThroughStep",
]
