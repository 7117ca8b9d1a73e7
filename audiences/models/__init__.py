"""What the studio stores: the schema that audiences are built on, and the audiences."""

from audiences.models.audiences import Audience, Calculation
from audiences.models.experiments import Experiment, ExperimentGroup, SyncGroup
from audiences.models.grants import ParentModelGrant
from audiences.models.history import AudienceLogs, Recording
from audiences.models.layers import RunLayers
from audiences.models.lists import ValueList
from audiences.models.priority import PriorityList, PriorityPlace
from audiences.models.privacy import ForgottenMember
from audiences.models.relationships import Relationship, ThroughStep
from audiences.models.rules import DestinationRule
from audiences.models.sampling import SampledModel, SampleTable, SampleTombstone, Sampling
from audiences.models.schema import SchemaColumn, SchemaModel
from audiences.models.settings import StudioSettings
from audiences.models.sizes import AudienceSize
from audiences.models.subsets import AudienceSubset, Subset, SubsetCategory, SubsetGrant
from audiences.models.sync_templates import SyncTemplate, TemplatedSync
from audiences.models.templates import AudienceTemplate
from audiences.models.traits import Trait

__all__ = [
    "Audience",
    "AudienceLogs",
    "AudienceSize",
    "AudienceSubset",
    "AudienceTemplate",
    "Calculation",
    "DestinationRule",
    "Experiment",
    "ExperimentGroup",
    "ForgottenMember",
    "ParentModelGrant",
    "PriorityList",
    "PriorityPlace",
    "Recording",
    "Relationship",
    "RunLayers",
    "SampleTable",
    "SampleTombstone",
    "SampledModel",
    "Sampling",
    "SchemaColumn",
    "SchemaModel",
    "StudioSettings",
    "Subset",
    "SubsetCategory",
    "SubsetGrant",
    "SyncGroup",
    "SyncTemplate",
    "TemplatedSync",
    "ThroughStep",
    "Trait",
    "ValueList",
]
