"""The stage `curate`."""

from gtm.types import Frozen


class CurateConfig(Frozen):
    """Its section of the recipe."""
