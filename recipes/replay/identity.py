"""Identifiers of a recording replaced by those of its simulation, and two answers laid side by side.

A value is replaced where it first appeared in a recorded *response*: ids, ARNs, URLs, names that the server gave.
What callers chose stays as it is. The replacement is what the simulator answered to that same call at the same place;
items of a list are matched by what they share, the likest first, since the order of a list means little. A short
number (`7`) stands for different things in different fields, so it is replaced only in a field of a fitting name.
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


def is_opaque(value: Json) -> bool:
    """Whether a value says by its looks alone that it is an identifier (a hash, an ARN, an address)."""
    return isinstance(value, str) and bool(_OPAQUE.match(value)) and not _DATE.match(value)


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

    _chosen: set[str] = field(default_factory=set)
    """All values that callers have written so far."""
    _text: str = ""
    """The same as one text, for what stands inside of longer values."""
    _seen: set[tuple[str, str]] = field(default_factory=set)
    """(value, its field where the value alone says little)."""
    _known: dict[str, list[tuple[str, Json]]] = field(default_factory=dict)
    """Recorded identifier as text -> (its field, the simulated one), the newest first."""
    _strong: list[str] = field(default_factory=list)
    """Those that are replaced inside longer texts too, longest first."""

    def learn(self, arguments: Json, recorded: Json, simulated: Json) -> None:
        """Note the identifiers that a recorded success brought first."""
        written = [str(value) for _, value in scalars(arguments)]
        self._chosen.update(written)
        self._text += "\n".join(written) + "\n"
        for name, value, other in self._pairs(recorded, simulated):
            text = str(value)
            mark = (text, "" if self._sure(text) else plain(name))
            if mark in self._seen or not is_identifier(name, value) or self._is_chosen(text):
                continue
            if other is MISSING or isinstance(other, bool) or not isinstance(other, str | int):
                continue
            self._seen.add(mark)
            self._known.setdefault(text, []).insert(0, (plain(name), other))
            if len(text) >= 6 and any(c.isdigit() for c in text):
                self._strong.append(text)
        self._strong.sort(key=lambda text: (-len(text), text))

    def _pairs(self, recorded: Json, simulated: Json) -> Iterator[tuple[str, Json, Json]]:
        """The leaves, and after them the last parts of those that are paths: other paths may end with them."""
        leaves = list(self.leaves(recorded, simulated))
        yield from leaves
        for name, value, other in leaves:
            if isinstance(value, str) and isinstance(other, str) and "/" in value and "/" in other:
                own = value.rpartition("/")[2]
                if self._sure(own) and _OPAQUE.match(own):
                    yield name, own, other.rpartition("/")[2]

    def _is_chosen(self, text: str) -> bool:
        return text in self._chosen or (self._sure(text) and text in self._text)

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
        sure = self._sure(str(value))
        for holder, known in self._known.get(str(value), ()):
            if sure or name.endswith(holder) or holder.endswith(name):
                return _typed(known, value)
        if isinstance(value, str):
            for old in self._strong:
                if old in value:
                    value = value.replace(old, str(self._known[old][0][1]))
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
        marks = [_marks(self.apply(item)) for item in recorded]
        theirs = [_marks(other) for other in others]
        alike = ((len(own & other), -i, -j) for i, own in enumerate(marks) for j, other in enumerate(theirs))
        found: dict[int, int] = {}
        left = set(range(len(others)))
        for score, i, j in sorted(alike, reverse=True):
            if score and -i not in found and -j in left:
                found[-i] = -j
                left.discard(-j)
        rest = iter(sorted(left))
        places = [found[index] if index in found else next(rest, None) for index in range(len(recorded))]
        return [MISSING if place is None else others[place] for place in places]


def child(value: Json, key: str) -> Json:
    """A property of a value, or MISSING."""
    return value[key] if isinstance(value, dict) and key in value else MISSING


def _typed(known: Json, value: str | int) -> Json:
    """The simulated identifier in the type of the recorded one, where nothing is lost by it."""
    if isinstance(value, str):
        return str(known)
    return int(known) if isinstance(known, str) and known.isdecimal() and len(known) < 19 else known


def _marks(value: Json) -> set[str]:
    return {f"{name}={item}" for name, item in scalars(value) if not isinstance(item, bool)}
