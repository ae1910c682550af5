"""The stage `sources`."""

from gtm.types import Frozen


class SourcesConfig(Frozen):
    """Its section of the recipe."""
