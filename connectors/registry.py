"""Every connector by key, imported on first use.

Explicit and sorted; a test holds it equal to the folders and the docs.
"""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module

from connectors.sdk.destination import Destination
from connectors.sdk.errors import ConfigError
from connectors.sdk.source import Source

SOURCES: dict[str, str] = {
    "alloydb": "connectors.sources.alloydb:AlloyDBSource",
    "athena": "connectors.sources.athena:AthenaSource",
    "azure_blob": "connectors.sources.azure_blob:AzureBlobSource",
    "bigquery": "connectors.sources.bigquery:BigQuerySource",
    "bigquery_iceberg": "connectors.sources.bigquery_iceberg:BigQueryIcebergSource",
    "clickhouse": "connectors.sources.clickhouse:ClickHouseSource",
    "databricks": "connectors.sources.databricks:DatabricksSource",
    "duckdb": "connectors.sources.duckdb:DuckDBSource",
    "fabric": "connectors.sources.fabric:FabricSource",
    "gcs": "connectors.sources.gcs:GcsSource",
    "google_sheets": "connectors.sources.google_sheets:GoogleSheetsSource",
    "greenplum": "connectors.sources.greenplum:GreenplumSource",
    "lakebase": "connectors.sources.lakebase:LakebaseSource",
    "materialize": "connectors.sources.materialize:MaterializeSource",
    "microsoft_excel": "connectors.sources.microsoft_excel:MicrosoftExcelSource",
    "mysql": "connectors.sources.mysql:MySQLSource",
    "oracle": "connectors.sources.oracle:OracleSource",
    "planetscale": "connectors.sources.planetscale:PlanetScaleSource",
    "postgres": "connectors.sources.postgres:PostgresSource",
    "redshift": "connectors.sources.redshift:RedshiftSource",
    "s3": "connectors.sources.s3:S3Source",
    "sample_b2b": "connectors.sources.sample_b2b:SampleB2BSource",
    "sample_b2c": "connectors.sources.sample_b2c:SampleB2CSource",
    "sftp": "connectors.sources.sftp:SftpSource",
    "singlestore": "connectors.sources.singlestore:SingleStoreSource",
    "snowflake": "connectors.sources.snowflake:SnowflakeSource",
    "snowflake_iceberg": "connectors.sources.snowflake_iceberg:SnowflakeIcebergSource",
    "sqlserver": "connectors.sources.sqlserver:SqlServerSource",
    "synapse": "connectors.sources.synapse:SynapseSource",
    "teradata": "connectors.sources.teradata:TeradataSource",
    "trino": "connectors.sources.trino:TrinoSource",
}
DESTINATIONS: dict[str, str] = {
    "activecampaign": "connectors.destinations.activecampaign:ActivecampaignDestination",
    "airtable": "connectors.destinations.airtable:AirtableDestination",
    "amazon_eventbridge": "connectors.destinations.amazon_eventbridge:AmazonEventbridgeDestination",
    "amazon_kinesis": "connectors.destinations.amazon_kinesis:AmazonKinesisDestination",
    "amazon_sqs": "connectors.destinations.amazon_sqs:AmazonSqsDestination",
    "amplitude": "connectors.destinations.amplitude:AmplitudeDestination",
    "apache_kafka": "connectors.destinations.apache_kafka:ApacheKafkaDestination",
    "asana": "connectors.destinations.asana:AsanaDestination",
    "attentive": "connectors.destinations.attentive:AttentiveDestination",
    "aws_lambda": "connectors.destinations.aws_lambda:AwsLambdaDestination",
    "azure_blob": "connectors.destinations.azure_blob:AzureBlobDestination",
    "azure_functions": "connectors.destinations.azure_functions:AzureFunctionsDestination",
    "bingads": "connectors.destinations.bingads:BingadsDestination",
    "braze": "connectors.destinations.braze:BrazeDestination",
    "braze_cohorts": "connectors.destinations.braze_cohorts:BrazeCohortsDestination",
    "brevo": "connectors.destinations.brevo:BrevoDestination",
    "custom": "connectors.destinations.custom:CustomDestination",
    "customerio": "connectors.destinations.customerio:CustomerioDestination",
    "dynamodb": "connectors.destinations.dynamodb:DynamodbDestination",
    "elasticsearch": "connectors.destinations.elasticsearch:ElasticsearchDestination",
    "email": "connectors.destinations.email:EmailDestination",
    "freshdesk": "connectors.destinations.freshdesk:FreshdeskDestination",
    "gcs": "connectors.destinations.gcs:GcsDestination",
    "google_ads": "connectors.destinations.google_ads:GoogleAdsDestination",
    "google_analytics": "connectors.destinations.google_analytics:GoogleAnalyticsDestination",
    "google_cloud_functions": "connectors.destinations.google_cloud_functions:GoogleCloudFunctionsDestination",
    "google_data_manager": "connectors.destinations.google_data_manager:GoogleDataManagerDestination",
    "google_drive": "connectors.destinations.google_drive:GoogleDriveDestination",
    "google_pubsub": "connectors.destinations.google_pubsub:GooglePubsubDestination",
    "google_sheets": "connectors.destinations.google_sheets:GoogleSheetsDestination",
    "http_request": "connectors.destinations.http_request:HttpRequestDestination",
    "hubspot": "connectors.destinations.hubspot:HubspotDestination",
    "intercom": "connectors.destinations.intercom:IntercomDestination",
    "iterable": "connectors.destinations.iterable:IterableDestination",
    "jira": "connectors.destinations.jira:JiraDestination",
    "klaviyo": "connectors.destinations.klaviyo:KlaviyoDestination",
    "linear": "connectors.destinations.linear:LinearDestination",
    "linkedin": "connectors.destinations.linkedin:LinkedinDestination",
    "local_files": "connectors.destinations.local_files:LocalFilesDestination",
    "mailchimp": "connectors.destinations.mailchimp:MailchimpDestination",
    "marketo": "connectors.destinations.marketo:MarketoDestination",
    "mattermost": "connectors.destinations.mattermost:MattermostDestination",
    "meta": "connectors.destinations.meta:MetaDestination",
    "meta_conversions": "connectors.destinations.meta_conversions:MetaConversionsDestination",
    "microsoft_dynamics": "connectors.destinations.microsoft_dynamics:MicrosoftDynamicsDestination",
    "microsoft_teams": "connectors.destinations.microsoft_teams:MicrosoftTeamsDestination",
    "mixpanel": "connectors.destinations.mixpanel:MixpanelDestination",
    "mongodb": "connectors.destinations.mongodb:MongodbDestination",
    "mysql": "connectors.destinations.mysql:MySQLDestination",
    "notion": "connectors.destinations.notion:NotionDestination",
    "onesignal": "connectors.destinations.onesignal:OnesignalDestination",
    "opensearch": "connectors.destinations.opensearch:OpensearchDestination",
    "pinterest_ads": "connectors.destinations.pinterest_ads:PinterestAdsDestination",
    "pipedrive": "connectors.destinations.pipedrive:PipedriveDestination",
    "planetscale": "connectors.destinations.planetscale:PlanetScaleDestination",
    "postgres": "connectors.destinations.postgres:PostgresDestination",
    "posthog": "connectors.destinations.posthog:PosthogDestination",
    "rabbitmq": "connectors.destinations.rabbitmq:RabbitmqDestination",
    "reddit_ads": "connectors.destinations.reddit_ads:RedditAdsDestination",
    "redis": "connectors.destinations.redis:RedisDestination",
    "rudderstack": "connectors.destinations.rudderstack:RudderstackDestination",
    "s3": "connectors.destinations.s3:S3Destination",
    "salesforce": "connectors.destinations.salesforce:SalesforceDestination",
    "segment": "connectors.destinations.segment:SegmentDestination",
    "sendgrid": "connectors.destinations.sendgrid:SendgridDestination",
    "sfmc": "connectors.destinations.sfmc:SfmcDestination",
    "sftp": "connectors.destinations.sftp:SftpDestination",
    "shopify": "connectors.destinations.shopify:ShopifyDestination",
    "slack": "connectors.destinations.slack:SlackDestination",
    "snapchat": "connectors.destinations.snapchat:SnapchatDestination",
    "sqlserver": "connectors.destinations.sqlserver:SqlServerDestination",
    "stripe": "connectors.destinations.stripe:StripeDestination",
    "tiktok": "connectors.destinations.tiktok:TiktokDestination",
    "tradedesk": "connectors.destinations.tradedesk:TradedeskDestination",
    "twilio": "connectors.destinations.twilio:TwilioDestination",
    "zapier": "connectors.destinations.zapier:ZapierDestination",
    "zendesk": "connectors.destinations.zendesk:ZendeskDestination",
    "zohocrm": "connectors.destinations.zohocrm:ZohocrmDestination",
}


def source_class(key: str) -> type[Source]:
    """The source class of this key."""
    return _load(SOURCES, key, "source")


def destination_class(key: str) -> type[Destination]:
    """The destination class of this key."""
    return _load(DESTINATIONS, key, "destination")


def _load(table: dict[str, str], key: str, noun: str) -> type:
    if key not in table:
        near = get_close_matches(key, table, n=3)
        raise ConfigError(f"There is no {noun} type “{key}”.", hint=f"Did you mean {', '.join(near)}?" if near else "")
    module, _, name = table[key].partition(":")
    loaded: type = getattr(import_module(module), name)
    return loaded
