"""Destinations that speak HTTP, from declarations and small functions.

A connector declares its service (:class:`Api`), how people sign in (:mod:`.sign_in`), and
one writer a sync type: a function that says which requests a batch becomes and how to read
the answers (:class:`Work`). Sending, waiting, retrying, limits and traces are not its business.
"""

from connectors.sdk.rest.api import Api, Line
from connectors.sdk.rest.codes import ErrorCodes
from connectors.sdk.rest.destination import RestDestination, Writer
from connectors.sdk.rest.fields import field, fields
from connectors.sdk.rest.google_sign_in import ServiceAccount, google
from connectors.sdk.rest.jobs import JobState, finished
from connectors.sdk.rest.one_by_one import one_by_one, row_by_row
from connectors.sdk.rest.per_row import PerRow
from connectors.sdk.rest.places import Place
from connectors.sdk.rest.results import by_index, by_value, refusals
from connectors.sdk.rest.sign_in import (
    Basic,
    ClientCredentials,
    Either,
    KeyHeader,
    KeyInBody,
    KeyParameter,
    NoSignIn,
    OAuthApp,
    SignIn,
)
from connectors.sdk.rest.work import Found, Record, Results, Work, besides, inside, missing

__all__ = [
    "Api",
    "Basic",
    "ClientCredentials",
    "Either",
    "ErrorCodes",
    "Found",
    "JobState",
    "KeyHeader",
    "KeyInBody",
    "KeyParameter",
    "Line",
    "NoSignIn",
    "OAuthApp",
    "PerRow",
    "Place",
    "Record",
    "RestDestination",
    "Results",
    "ServiceAccount",
    "SignIn",
    "Work",
    "Writer",
    "besides",
    "by_index",
    "by_value",
    "field",
    "fields",
    "finished",
    "google",
    "inside",
    "missing",
    "one_by_one",
    "refusals",
    "row_by_row",
]
