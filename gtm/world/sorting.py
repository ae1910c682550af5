"""The order that a list's caller asks for: which field, which way. Only fields that the list's documents have."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gtm.tools.view import View
from gtm.types import Json
from gtm.world.fields import matching
from gtm.world.listing import DIRECTION, SORT
from gtm.world.words import flat, words

_DOWN = frozenset({"desc", "descending", "dsc", "down", "reverse", "newest"})
_UP = frozenset({"asc", "ascending", "up", "oldest"})


@dataclass(frozen=True, slots=True)
class Rule:
    """One field to sort by."""

    name: str
    descending: bool


def sorting(view: View | None, last: str, arguments: Mapping[str, Json]) -> tuple[Rule, ...]:
    """The rules of a call, most important first: `sort=-created`, `order_by=name desc`, `sort=name&order=desc`."""
    if view is None or not arguments:
        return ()
    direction = False
    terms: list[str] = []
    for name, value in arguments.items():
        plain = flat(name)
        if plain in DIRECTION and _direction(value) is not None:
            direction = bool(_direction(value)) != (plain == "ascending")
        elif plain in SORT:
            terms += [str(part) for part in (value if isinstance(value, list) else str(value).split(","))]
    rules = [_rule(term.strip(), view, last, direction) for term in terms if term.strip()]
    return tuple(rule for rule in rules if rule is not None)


def _direction(value: Json) -> bool | None:
    """Whether a value says "descending"; None where it says no direction."""
    if isinstance(value, bool):
        return value
    word = flat(value) if isinstance(value, str) else ""
    return True if word in _DOWN else False if word in _UP else None


def _rule(term: str, view: View, last: str, direction: bool) -> Rule | None:
    descending = direction
    if term[0] in "+-":
        term, descending = term[1:], term[0] == "-"
    parts = words(term)
    if len(parts) > 1 and parts[-1] in _DOWN | _UP:
        named, descending = term[: term.lower().rindex(parts[-1])].rstrip(" :_-.|"), parts[-1] in _DOWN
        term = term if matching(term, view.properties, last) is not None else named
    name = next((n for wanted in (term, f"{term}_at") if (n := matching(wanted, view.properties, last))), None)
    place = view.child(name) if name is not None else None
    scalar = place is not None and place.type in {"string", "integer", "number", "boolean"}
    return Rule(name, descending) if name is not None and scalar else None


def arranged(values: Iterable[tuple[Mapping[str, Json], int]], rules: tuple[Rule, ...]) -> list[int]:
    """Positions of documents in the order asked for; equal ones stay as they were, what has no value is last."""
    ordered = list(values)
    for rule in reversed(rules):
        has = [item for item in ordered if item[0].get(rule.name) is not None]
        lacks = [item for item in ordered if item[0].get(rule.name) is None]
        has.sort(key=lambda item: _comparable(item[0][rule.name]), reverse=rule.descending)
        ordered = has + lacks
    return [position for _, position in ordered]


def _comparable(value: Json) -> tuple[int, float, str]:
    """Numbers before texts."""
    if isinstance(value, bool | int | float):
        return (0, float(value), "")
    return (1, 0.0, str(value))
