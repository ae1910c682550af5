"""What a call comes to: a result, and the changes of the world that go with it. A value only."""

from dataclasses import dataclass

from gtm.types import Result
from gtm.world.state import Change


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of one call and what it does to the world."""

    result: Result
    changes: tuple[Change, ...] = ()
