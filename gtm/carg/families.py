"""A family's tools as the toolset that its calls are made with."""

from collections.abc import Iterable

from gtm.carg.records import Entry
from gtm.tools.gather import slug
from gtm.types import Toolset


def toolset_of(family: str, entries: Iterable[Entry]) -> Toolset:
    """The toolset of a family: its entries' tools in order, under the unique names that `sources` gave them."""
    return Toolset(name=slug(family), kind="catalog", tools=tuple(entry.tool for entry in entries))
