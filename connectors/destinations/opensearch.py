"""OpenSearch: rows become documents of an index, by the bulk API that it shares with Elasticsearch."""

from __future__ import annotations

from connectors.destinations.elasticsearch import BASIC, SERVER, SearchDestination, documents_sync_type, server_address
from connectors.sdk.destination import DestinationDefinition
from connectors.sdk.rest import Api
from connectors.sdk.types import Verification


class OpensearchDestination(SearchDestination):
    """The indices of one cluster of OpenSearch."""

    api = Api(base=server_address, sign_in=BASIC, test=("GET", "_cat/indices?format=json&h=index"))
    definition = DestinationDefinition(
        key="opensearch",
        name="OpenSearch",
        category="Databases",
        summary="Keep the documents of an index in step with a model.",
        docs_url="docs/destinations/opensearch.md",
        fields=(*SERVER, *BASIC.fields),
        verification=Verification.DOCS,
        sync_types=(documents_sync_type(),),
    )
