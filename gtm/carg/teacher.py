"""The stage `teacher`."""

from gtm.types import Frozen


class TeacherConfig(Frozen):
    """Its section of the recipe."""
