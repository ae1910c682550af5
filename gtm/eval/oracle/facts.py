"""What the oracle keeps and what it reports, and the words by which it tells one kind of field from another."""

from dataclasses import dataclass, field

from gtm.eval.oracle.words import Address, Place
from gtm.types import Json

SECRETS = frozenset(
    "password passwd secret token credential credentials private privatekey passphrase apikey cvv pin".split()
)
NUMBERS = frozenset(("id", "uid", "uuid"))
"""Keys (flat names) that no write changes, whatever it sends."""
VOLATILE = frozenset(
    "updated update modified modification changed change edited etag version revision rev last sequence"
    " hash checksum generation".split()
)
"""Words of fields that a server itself changes with every write."""
OPTIONS = frozenset(
    "dry validate preview fields include includes exclude expand embed sort order orderby async wait force if prefer"
    " accept fail notify".split()
)
"""Words of arguments that steer a call instead of describing a thing."""
KEEPING = frozenset(("nochange", "unchanged", "notchanged", "keep"))
"""Members of an enum (flat) that a write takes in order to leave a field as it is: no thing ever has such a value."""
HARMLESS = frozenset(("sort", "order", "orderby", "sortby", "sortorder", "direction"))
"""List arguments that leave out nothing."""
MORE = frozenset(("next", "cursor", "more", "continuation", "marker"))
DEFAULT_PAGE = 10
"""A list with a page size but no default for it is taken as whole only below this many items."""


@dataclass(frozen=True, slots=True)
class Contradiction:
    """One answer that cannot be true beside an earlier one."""

    kind: str
    step: int
    tool: str
    address: Address
    expected: str
    actual: str


@dataclass(slots=True)
class Fact:
    """What was said of one place of a thing."""

    value: Json
    said: str
    """`sent` by the caller, or the tool that showed it."""
    step: int


@dataclass(slots=True)
class Thing:
    """What is known of one thing."""

    alive: bool
    why: str
    made: bool = False
    """Created here, by a key that the server chose."""
    facts: dict[Place, Fact] = field(default_factory=dict)
