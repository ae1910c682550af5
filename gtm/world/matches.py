"""Whether a thing is what a list's caller asks for: values compared, queries read.

Upper and lower case are one, but in what tells one thing from another. Of a query the common signs are understood:
`name:value`, `a OR b`, `-closed`.
"""

import re
from collections.abc import Mapping, Sequence, Set

from gtm.types import Json, canonical
from gtm.world.fields import is_identifying
from gtm.world.state import key_text
from gtm.world.words import words

_EXACT = frozenset("branch checksum commit digest etag file hash host ref sha tag token version".split())
"""Words of fields of which a capital makes another value."""
_OR = re.compile(r"\s+OR\s+|\s*\|\|\s*")
_TERMS = re.compile(r'-?(?:[\w.@-]+:)?(?:"[^"]*"|[^\s()]+)')


def compared(name: str, value: Json) -> str:
    """A value as a filter on a field compares it: `TXT` is `txt`, unless the field tells things apart."""
    text = key_text(value)
    exact = is_identifying(name) or "." in name or bool(_EXACT & {*words(name)})
    return text if exact or not isinstance(value, str) else text.casefold()


def alike(filters: Mapping[str, Sequence[Json]]) -> dict[str, list[Json]]:
    """Filters on fields, those that ask for the same written the same."""
    return {n: [compared(n, v) if isinstance(v, str) else v for v in values] for n, values in filters.items()}


def holds(name: str, value: Json, allowed: Set[str]) -> bool:
    """Whether a field's value, or one of several, is among those allowed (as `compared`)."""
    return any(compared(name, item) in allowed for item in (value if isinstance(value, list) else [value]))


def found_by(query: str, value: Mapping[str, Json]) -> bool:
    """Whether a query finds a thing with these fields."""
    text = canonical(dict(value)).decode("utf-8", "replace").lower()
    named = {name.lower(): canonical(part).decode("utf-8", "replace").lower() for name, part in value.items()}
    return query.lower() in text or any(_all_in(part.lower(), text, named) for part in _OR.split(query))


def _all_in(part: str, text: str, named: Mapping[str, str]) -> bool:
    """Whether all terms of a query are in a text, and none of those that must not be."""
    terms = [term for term in _TERMS.findall(part) if term != "and"]
    if not any(term.lstrip("-").partition(":")[0] in named for term in terms if ":" in term):
        return part in text  # no field is named: the words as they stand (`10:30`)
    return bool(terms) and all(_is_in(term.lstrip("-"), text, named) != term.startswith("-") for term in terms)


def _is_in(term: str, text: str, named: Mapping[str, str]) -> bool:
    """Whether a term is in the field that it names, else in the text."""
    field, _, said = term.partition(":")
    return said.strip('"') in named[field] if said and field in named else term.strip('"') in text


def value_at(value: Mapping[str, Json], name: str) -> Json:
    """A field of a document, also of an object in it (`customer.id`)."""
    if name in value or "." not in name:
        return value.get(name)
    outer, _, inner = name.partition(".")
    holder = value.get(outer)
    return holder.get(inner) if isinstance(holder, dict) else None
