"""The stage `calls`."""

from gtm.types import Frozen


class CallsConfig(Frozen):
    """Its section of the recipe."""
