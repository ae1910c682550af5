"""The stage `tools`."""

from gtm.types import Frozen


class ToolsConfig(Frozen):
    """Its section of the recipe."""
