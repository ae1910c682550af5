"""Whether a thing is what a list's caller asks for: values compared, queries read.

Upper and lower case are one, but in what tells one thing from another. Of a query the common signs are understood:
`name:value`, `a OR b`, `-closed`.
"""

import re
from collections.abc import Mapping, Sequence, Set

from gtm.types import Json
from gtm.world.fields import is_identifying
from gtm.world.state import key_text

_OR = re.compile(r"\s+or\s+|\s*\|\|\s*")
_TERMS = re.compile(r'-?(?:[\w.@-]+:)?(?:"[^"]*"|[^\s()]+)')


def compared(name: str, value: Json) -> str:
    """A value as a filter on a field compares it: `TXT` is `txt`, unless the field tells things apart."""
    text = key_text(value)
    return text if not isinstance(value, str) or is_identifying(name) or "." in name else text.casefold()


def alike(filters: Mapping[str, Sequence[Json]]) -> dict[str, list[Json]]:
    """Filters on fields, those that ask for the same written the same."""
    return {n: [compared(n, v) if isinstance(v, str) else v for v in values] for n, values in filters.items()}


def holds(name: str, value: Json, allowed: Set[str]) -> bool:
    """Whether a field's value, or one of several, is among those allowed (as `compared`)."""
    return any(compared(name, item) in allowed for item in (value if isinstance(value, list) else [value]))


def found_by(query: str, text: str) -> bool:
    """Whether a query in small letters finds a thing whose fields, as such text, are these."""
    return query in text or any(_all_in(part, text) for part in _OR.split(query) if ":" in query or part != query)


def _all_in(part: str, text: str) -> bool:
    """Whether all terms of a query are in a text, and none of those that must not be."""
    terms = [term for term in _TERMS.findall(part) if term != "and"]
    return bool(terms) and all((_said(term) in text) != term.startswith("-") for term in terms)


def _said(term: str) -> str:
    """What a term looks for, without its field and its signs."""
    return term.lstrip("-").partition(":")[2].strip('"') or term.lstrip("-").strip('"')


def value_at(value: Mapping[str, Json], name: str) -> Json:
    """A field of a document, also of an object in it (`customer.id`)."""
    if name in value or "." not in name:
        return value.get(name)
    outer, _, inner = name.partition(".")
    holder = value.get(outer)
    return holder.get(inner) if isinstance(holder, dict) else None
