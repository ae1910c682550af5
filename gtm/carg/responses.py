"""The stage `responses`."""

from gtm.types import Frozen


class ResponsesConfig(Frozen):
    """Its section of the recipe."""
