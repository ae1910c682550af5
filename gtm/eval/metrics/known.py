"""What can be known before a call: every value of its arguments, of earlier turns and of a given first state.

A value can be derived where it has been seen as a whole, or as one part of a longer name (`a.txt` of `/docs/a.txt`,
`p1` of `projects/p1/zones/z`). Short values turn up by chance: below `SPECIFIC` characters the field has to have the
same name where it was seen. Texts put together from several values are not counted as derivable.
"""

import re
from collections.abc import Sequence

from gtm.eval.metrics.values import field_of, leaves, scalar_text
from gtm.eval.records import TrueTurn
from gtm.types import Json

SHORTEST = 3
"""Characters of a value that counts at all: shorter ones are equal by chance."""
SPECIFIC = 6
"""Characters from which on a value is taken for the same thing in a field of any name."""
MAX_NAME = 500
"""Characters of a text that is cut into its parts."""


class Known:
    """The values seen so far, with the names of the fields they stood in."""

    def __init__(self) -> None:
        self._names: dict[str, set[str]] = {}

    @classmethod
    def before(cls, arguments: Json, history: Sequence[TrueTurn], initial: Json = None) -> "Known":
        """What can be known when a call is made."""
        known = cls()
        known.add(initial)
        for turn in history:
            known.add(turn.arguments)
            known.add(turn.response)
        known.add(arguments)
        return known

    def add(self, value: Json) -> None:
        """Take in a response, or arguments."""
        for path, leaf in leaves(value):
            if isinstance(leaf, bool):
                continue
            text, name = scalar_text(leaf), field_of(path)
            self._names.setdefault(text, set()).add(name)
            if isinstance(leaf, str) and len(text) <= MAX_NAME and " " not in text:
                for part in re.split(r"[/:]", text):
                    if len(part) >= SPECIFIC:
                        self._names.setdefault(part, set()).add(name)

    def has(self, path: str, value: Json) -> bool:
        """Whether a value at a place of a response can be derived."""
        if value is None or isinstance(value, bool | list | dict):
            return False
        text = scalar_text(value)
        names = self._names.get(text)
        if names is None or len(text) < SHORTEST:
            return False
        return len(text) >= SPECIFIC or field_of(path) in names
