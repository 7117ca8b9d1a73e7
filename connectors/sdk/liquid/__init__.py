"""Liquid for request bodies, addresses and mappings, with the filters that data people expect."""

from connectors.sdk.liquid.json_text import parse_json, strip_trailing_commas
from connectors.sdk.liquid.template import (
    FILTER_NAMES,
    Template,
    TemplateError,
    batch_variables,
    compile_template,
    compile_value,
    liquid_text,
    row_variables,
)

__all__ = [
    "FILTER_NAMES",
    "Template",
    "TemplateError",
    "batch_variables",
    "compile_template",
    "compile_value",
    "liquid_text",
    "parse_json",
    "row_variables",
    "strip_trailing_commas",
]
