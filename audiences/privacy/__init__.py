"""The studio as a holder of people's data: see :mod:`governance.privacy.registry`."""
