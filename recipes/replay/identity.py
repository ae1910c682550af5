"""Identifiers of a recording replaced by those of its simulation, and two answers laid side by side.

A value is replaced where it first appeared in a recorded *response*: ids, ARNs, URLs, names that the server gave.
What callers chose stays as it is. The replacement is what the simulator answered to that same call at the same place;
items of a list are matched by what they share, not by position, since the order of a list means little.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from gtm.types import Json

MISSING = object()
"""The simulator's answer has nothing at this place."""

MAX_ITEMS = 60
"""Items of a list that are matched by content; longer lists go by position."""

_DATE = re.compile(r"\d{4}-\d\d-\d\d([T ].*)?\Z|\d\d?:\d\d")
_OPAQUE = re.compile(r"arn:|https?://|(?=\S*\d)[A-Za-z0-9_+/=.:-]{16,}\Z|\d{6,}\Z")
_NAMING = re.compile(
    r"(id|ids|arn|arns|name|names|key|keys|url|uri|link|href|token|etag|fingerprint|number|path|version|revision"
    r"|sha|ref|hash|slug|cursor|address|identifier|handle|login|email|self|node|urn|guid|uuid|selflink|code)\Z"
)


def plain(name: str) -> str:
    """A field's name without case and punctuation."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def names_a_thing(field_name: str) -> bool:
    """Whether a field of this name usually holds an identifier."""
    return bool(_NAMING.search(plain(field_name)))


def is_identifier(field_name: str, value: Json) -> bool:
    """Whether a value in this field may stand for a thing: opaque by its looks, or named so."""
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        return False
    text = str(value)
    if isinstance(value, str) and (_DATE.match(text) or len(text) > 500):
        return False
    return bool(_OPAQUE.match(text)) or names_a_thing(field_name)


def scalars(value: Json, name: str = "") -> Iterator[tuple[str, Json]]:
    """(name of the field, scalar) for every leaf."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from scalars(item, key)
    elif isinstance(value, list):
        for item in value:
            yield from scalars(item, name)
    elif value is not None:
        yield name, value


@dataclass
class Substitution:
    """Recorded identifier -> simulated one, learned turn by turn."""

    _chosen: str = ""
    """All that callers have written so far."""
    _seen: set[str] = field(default_factory=set)
    _known: dict[str, tuple[str, Json]] = field(default_factory=dict)
    """Recorded identifier as text -> (its field, the simulated one)."""
    _strong: list[str] = field(default_factory=list)
    """Those that are replaced inside longer texts too, longest first."""

    def learn(self, arguments: Json, recorded: Json, simulated: Json) -> None:
        """Note the identifiers that a recorded success brought first."""
        self._chosen += "\n".join(str(value) for _, value in scalars(arguments)) + "\n"
        for name, value, other in self.leaves(recorded, simulated):
            text = str(value)
            if text in self._seen or not is_identifier(name, value) or text in self._chosen:
                continue
            if other is MISSING or isinstance(other, bool) or not isinstance(other, str | int):
                continue
            self._seen.add(text)
            self._known[text] = (plain(name), other)
            if len(text) >= 6 and any(c.isdigit() for c in text):
                self._strong.append(text)
        self._strong.sort(key=lambda text: (-len(text), text))

    def apply(self, value: Json, name: str = "") -> Json:
        """The value with every known identifier replaced."""
        if isinstance(value, dict):
            return {key: self.apply(item, key) for key, item in value.items()}
        if isinstance(value, list):
            return [self.apply(item, name) for item in value]
        if isinstance(value, bool) or not isinstance(value, str | int):
            return value
        return self._scalar(value, plain(name))

    def _scalar(self, value: str | int, name: str) -> Json:
        known = self._known.get(str(value))
        if known is not None and (self._sure(str(value)) or name.endswith(known[0]) or known[0].endswith(name)):
            return str(known[1]) if isinstance(value, str) else known[1]
        if isinstance(value, str):
            for old in self._strong:
                if old in value:
                    value = value.replace(old, str(self._known[old][1]))
        return value

    @staticmethod
    def _sure(text: str) -> bool:
        return len(text) >= 5 and any(c.isdigit() for c in text)

    def leaves(self, recorded: Json, simulated: Json, name: str = "") -> Iterator[tuple[str, Json, Json]]:
        """(field, recorded leaf, simulated leaf or MISSING), list items matched by what they share."""
        if isinstance(recorded, dict):
            for key, item in recorded.items():
                yield from self.leaves(item, child(simulated, key), key)
        elif isinstance(recorded, list):
            for item, other in zip(recorded, self.matched(recorded, simulated), strict=True):
                yield from self.leaves(item, other, name)
        elif recorded is not None:
            yield name, recorded, simulated

    def matched(self, recorded: list[Json], simulated: Json) -> list[Json]:
        """For each recorded item the simulated one that shares most values with it, else the next unmatched."""
        others = list(simulated) if isinstance(simulated, list) else []
        if len(recorded) > MAX_ITEMS or len(others) > MAX_ITEMS:
            return [others[index] if index < len(others) else MISSING for index in range(len(recorded))]
        left = {index: _marks(other) for index, other in enumerate(others)}
        found: list[int | None] = []
        for item in recorded:
            marks = _marks(self.apply(item))
            score, best = max(((len(marks & left[index]), -index) for index in left), default=(0, 0))
            found.append(-best if score else None)
            if score:
                del left[-best]
        rest = iter(sorted(left))
        places = [next(rest, None) if place is None else place for place in found]
        return [MISSING if place is None else others[place] for place in places]


def child(value: Json, key: str) -> Json:
    """A property of a value, or MISSING."""
    return value[key] if isinstance(value, dict) and key in value else MISSING


def _marks(value: Json) -> set[str]:
    return {f"{name}={item}" for name, item in scalars(value) if not isinstance(item, bool)}
