"""The file engine: formats, names and the order in which a run's files are written."""

from connectors.sdk.files.encryption import PGP_KEY, encrypted, pgp_keys
from connectors.sdk.files.formats import Encoder, Format, FormatOptions, encoder
from connectors.sdk.files.names import file_name
from connectors.sdk.files.settings import file_plan, file_sync_type
from connectors.sdk.files.writing import FilePlan, FileStore, Sink, Store, write_files

__all__ = [
    "PGP_KEY",
    "Encoder",
    "FilePlan",
    "FileStore",
    "Format",
    "FormatOptions",
    "Sink",
    "Store",
    "encoder",
    "encrypted",
    "file_name",
    "file_plan",
    "file_sync_type",
    "pgp_keys",
    "write_files",
]
