"""The command line of Headrace. It speaks the REST API and imports nothing of the product."""

__version__ = "0.1.0"
