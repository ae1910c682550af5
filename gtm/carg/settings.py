"""What a recipe says of planned calls. All rates are chances per tool or resource, decided where it is."""

from pydantic import Field

from gtm.carg.records import Refusal
from gtm.types import Frozen

Rate = float

MISTAKES: dict[Refusal, float] = {
    "missing": 1.0,
    "type": 1.0,
    "enum": 2.0,
    "range": 2.0,
    "format": 2.0,
    "unknown_name": 0.7,
}


class CallsConfig(Frozen):
    """Its section of the recipe."""

    ordinary: Rate = Field(default=0.42, ge=0, le=1)
    """Tools that get an ordinary call."""
    ordinary_recorded: Rate = Field(default=0.15, ge=0, le=1)
    """The same, of tools that were recorded."""
    without_output: Rate = Field(default=0.4, ge=0, le=1)
    """How much of that is left where nothing tells what a tool answers."""
    edge: Rate = Field(default=0.16, ge=0, le=1)
    wrong: Rate = Field(default=0.2, ge=0, le=1)
    """Tools that get a call with a mistake in its arguments."""
    mistakes: dict[Refusal, float] = Field(default_factory=lambda: dict(MISTAKES))
    """How likely each kind is tried before the others."""
    ignored_names: Rate = Field(default=0.3, ge=0, le=1)
    """Of the names that a tool does not know, and ignores: how many are planned."""
    unknown_tool: Rate = Field(default=0.02, ge=0, le=1)
    impossible: Rate = Field(default=0.1, ge=0, le=1)
    """Tools that are called once about what does not exist, where that can be known."""
    sessions_written: float = Field(default=2.2, ge=0, le=100)
    """Sessions per resource that tools create."""
    sessions_read: float = Field(default=0.5, ge=0, le=100)
    """The same, per resource that tools only show."""
    max_sessions: int = Field(default=60, ge=0)
    """Planned sessions of one family."""
    faults: Rate = Field(default=0.2, ge=0, le=1)
    """Planned sessions in which a call fails once and is made again."""
    notes: Rate = Field(default=0.4, ge=0, le=1)
    """Planned sessions that come with a note, where one fits."""
    scenes: Rate = Field(default=0.5, ge=0, le=1)
    """Where only notes fit that set a scene and change nothing: how many of them are used."""
    teacher_calls: int = Field(default=3500, ge=0)
    """About how many calls a teacher answers, over all families."""
