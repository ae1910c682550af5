"""Names of one thing's fields, matched: `petId`, `pet_id` and `id` in a pet; `name` at the top or inside `data`.

Static: asks schemas, never documents of a session. An exact name wins over a name that only reads the same.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from gtm.errors import SpecError
from gtm.tools.validator import Prepared, prepare
from gtm.tools.view import View
from gtm.types import Json
from gtm.world.words import flat, noun, singular, words

IDENTIFYING = frozenset(
    "id identifier uuid guid key name number slug path arn code sku email uri url login username handle".split()
)
"""Last words of a field that can tell one thing from the others."""

IDS = frozenset({"id", "uuid", "guid"})
"""Last words of names of ids."""

WRAPPERS = frozenset("body data attributes input payload resource object entity".split())
"""Arguments (flat names) that hold a thing's fields whatever the resource is called."""

TEXT_FIELDS = ("content", "text", "body", "contents")
"""A document's field that a reader prints as it is (a file's content)."""

SIZES = frozenset({"size", "sizebytes", "sizeinbytes", "bytes", "filesize", "contentlength", "length"})
"""Fields (flat names) that measure such a text."""


MAX_DEPTH = 12
"""Levels of a value that are fitted to a schema part by part."""


def last_noun(resource: str) -> str:
    """`repo/issue` -> `issue`."""
    return resource.rpartition("/")[2]


def bare(name: str, last: str) -> str:
    """A field's flat name without its resource's: `petId`, `pet_id` -> `id` inside a pet; `username` stays."""
    parts, own = words(name), flat(last)
    if len(parts) == 1 and parts[0].removeprefix(own) in IDS:  # `projectid`
        return parts[0].removeprefix(own)
    cuts = (cut for cut in range(1, len(parts)) if singular("".join(parts[:cut])) == own)
    return "".join(parts[next(cuts, 0) :])


def matching(name: str, declared: Iterable[str], last: str = "") -> str | None:
    """The declared name that is, or reads as, `name`."""
    names = tuple(declared)
    if name in names:
        return name
    wanted = flat(name)
    found = next((other for other in names if flat(other) == wanted), None)
    if found is not None or not last:
        return found
    wanted = bare(name, last)
    return next((other for other in names if bare(other, last) == wanted), None)


def is_identifying(name: str) -> bool:
    """Whether a field of this name can tell one thing from the others."""
    return bool(IDENTIFYING & set(words(name)[-1:]))


def nested_place(name: str, view: View | None) -> str | None:
    """The one object property (`metadata` before others) that declares `name` where the document does not."""
    if view is None:
        return None
    holders = [
        holder
        for holder, place in ((holder, view.child(holder)) for holder in view.properties)
        if place is not None and place.type == "object" and matching(name, place.properties) is not None
    ]
    return holders[0] if len(holders) == 1 else "metadata" if "metadata" in holders else None


@lru_cache(maxsize=8192)
def _validator(place: View) -> Prepared | None:
    schema = place.node
    if isinstance(schema, dict) and isinstance(place.root, dict) and "$defs" in place.root:
        schema = {**schema, "$defs": place.root["$defs"]}
    try:
        return prepare(schema)
    except SpecError:
        return None


def takes(place: View, value: Json) -> bool:
    """Whether a place takes a value; one whose schema is broken takes all."""
    prepared = _validator(place)
    return prepared is None or bool(prepared.validator.is_valid(value))


def fitted(value: Json, place: View) -> Json:
    """A value in a place's own type; None where the place does not take it."""
    if place.type == "string" and isinstance(value, int | float) and not isinstance(value, bool):
        value = str(int(value)) if float(value).is_integer() else str(value)
    elif place.type == "integer" and isinstance(value, str) and value.lstrip("-").isdigit() and len(value) < 19:
        value = int(value)
    return value if takes(place, value) else None


def taken(value: Json, place: View, depth: int = 0) -> Json:
    """The parts of a value that a place takes, in the place's own types; None where that is nothing."""
    if takes(place, value):
        return value
    if depth < MAX_DEPTH and isinstance(value, dict) and place.properties:
        inner = [(name, part, place.child(name)) for name, part in value.items()]
        parts = {name: taken(part, child, depth + 1) if child else part for name, part, child in inner}
        return {name: part for name, part in parts.items() if part is not None}
    if depth < MAX_DEPTH and isinstance(value, list) and place.items is not None:
        items = [taken(item, place.items, depth + 1) for item in value]
        return None if any(item is None for item in items) else items
    return fitted(value, place)


def key_holder(views: Sequence[View], keys: Sequence[str]) -> tuple[str, str] | None:
    """The object of a document, and its property, that hold a key which is no field of its own (`metadata.name`)."""
    for view in views:
        for key in keys:
            holder = nested_place(key, view)
            place = view.child(holder) if holder is not None else None
            name = matching(key, place.properties) if place is not None else None
            if holder is not None and name is not None:
                return holder, name
    return None


def object_properties(view: View | None) -> Mapping[str, Json]:
    """Declared properties of an argument that takes an object; empty for anything else."""
    return view.properties if view is not None and view.type == "object" else {}


def is_wrapper(name: str, whole: bool, inner: Sequence[str], resource: str, shown: frozenset[str]) -> bool:
    """Whether an object argument holds the thing's fields: by its name, or because readers show what is inside."""
    last = last_noun(resource)
    called = flat(name) in {*WRAPPERS, flat(last), flat(resource)} or noun(words(name)) == last
    if flat(name) in shown and not whole and not (called and flat(name) in map(flat, inner)):
        return False
    if whole or called:
        return True
    alike = [field for field in inner if flat(field) in shown]
    # `LifecycleConfiguration` says whose fields it holds: one of them is enough.
    fewest = 1 if flat(name).startswith(flat(last)) else 2
    return len(alike) >= fewest and 2 * len(alike) >= len(inner)
