"""Where documents lie in answers and which of their fields is the key, read from definitions alone."""

import re
from collections.abc import Collection, Mapping, Sequence
from string import digits

from gtm.tools.view import View
from gtm.types import Json
from gtm.world.fields import IDS, bare, is_identifying, last_noun
from gtm.world.hints import HOLDERS
from gtm.world.words import flat, noun, singular, words

ALWAYS = frozenset({"id", "name"})
"""Fields that every resource is taken to have; they tell little about which one is shown."""

GUESSES = ("uuid", "sid", "key", "number", "slug")
"""Fields that are keys where nothing better is there."""

_BOUNDS = {
    "minimum": max,
    "exclusiveMinimum": max,
    "minLength": max,
    "maximum": min,
    "exclusiveMaximum": min,
    "maxLength": min,
}
NEW = (("target",), ("new",), ("destination",))
"""What an argument begins with that names a copy."""

_SERVED = re.compile(
    r"output[ -]only|read[ -]?only(?! after)|\b(generated|assigned|defined|set) (by|numeric|id\b)"
    r"|(server|system|auto)[- ]?(assigned|generated|defined)",
    re.IGNORECASE,
)
"""Words of a description by which the server sets a field."""

_SAME = ("type", "format", "pattern", "enum", "const", "multipleOf")


def narrowed(leaf: Mapping[str, Json], other: Mapping[str, Json]) -> dict[str, Json]:
    """What satisfies both leaves, as far as one flat leaf can say it."""
    bounds = {
        name: pick(leaf.get(name, other[name]), other[name])
        for name, pick in _BOUNDS.items()
        if isinstance(other.get(name), int | float)
    }
    same = {name: other[name] for name in _SAME if name in other and name not in leaf}
    kept = {name: value for name, value in leaf.items() if name in _BOUNDS or name in _SAME}
    return {**kept, **same, **bounds}


def key_leaf(
    leaf: dict[str, Json], arguments: Sequence[tuple[str, dict[str, Json]]], field: str, resource: str
) -> dict[str, Json]:
    """What a key must be for its own field and for the (argument, its tool's parameters) that take it.

    Where some arguments are called as the field, another one (an address beside an id) is of something else.
    """
    last = last_noun(resource)
    same = [one for one in arguments if field and bare(one[0], last) == bare(field, last)]
    for name, parameters in same or arguments:
        view = View(parameters, parameters).child(name)
        if view is not None and (not leaf.get("type") or view.type == leaf["type"]):
            leaf = narrowed(leaf, view.flat)
    return narrowed(leaf, {}) or {"type": "string"}


def document_path(
    shape: dict[str, Json] | None, known: Collection[str], keys: Sequence[str], resource: str, *, many: bool
) -> tuple[str, ...] | None:
    """Where the document lies: the place with its key, then the one whose properties share most with the resource.

    `known` are flat names of the resource's fields, `keys` the arguments that name one thing of it.
    """
    if shape is None:
        return None
    last = last_noun(resource)
    own = {"id", *(flat(key) for key in keys), *(bare(key, last) for key in keys)}

    alone = len(shape.get("properties") or ()) == 1
    top = {flat(name) for name in shape.get("properties") or ()}
    keyed = bool(own & top)

    def rank(at: int, path: tuple[str, ...], properties: tuple[str, ...]) -> tuple[bool | int, ...]:
        names = {flat(name) for name in properties}
        holder = next((step for step in reversed(path) if step != "*"), None)
        named = holder is not None and (_names(holder, resource) or flat(holder) in HOLDERS)
        alike = names & set(known)
        # What writers call a field (`metadata`) holds no other document, though it has a name.
        is_field = any(flat(step) in known for step in path if step != "*")
        # Nor does an object in what has a key itself (`entity` of a device), unless an envelope holds it.
        is_field = is_field or (len(path) == 1 and keyed and not named)
        # The only object of an answer wraps the thing, though a writer's argument is called the same.
        is_field = is_field and not (len(path) == 1 and alone and "id" in names)
        # And an array in one thing holds its parts.
        is_field = is_field or (not many and "*" in path and not named)
        # What has a key holds an object without one as its field, also where both are called the same.
        beside = own & top - {flat(path[0])} if len(path) == 1 else set()
        is_part = bool(beside) and not names & own and flat(path[0]) not in HOLDERS
        has_key = (bool(names & own) and not is_field) or (named and bool(alike) and not is_part)
        # Of several arrays of an answer the one called as its things has them (`queues` beside `queueMessages`).
        first = many and has_key and named
        return has_key, first, len(alike - ALWAYS), named, bool(alike), many == ("*" in path), -at

    found = [*_places(shape), *_called(shape, resource)]
    places = [(path, names) for path, names in found if names and ("*" in path if many else len(path) < 3)]
    inside = dict(places)
    # `{"data": {"month": {"month": ...}}}`: what only holds an object called as the thing is not the thing.
    hollow = {
        path for path, names in places if len(names) == 1 and own & {*map(flat, inside.get((*path, *names), ()))}
    }
    places = [
        (p, names)
        for p, names in places
        if p not in hollow or not (_names(names[0], resource) or _is_own(names, own))
    ]
    ranked = sorted(((rank(at, *place), place[0]) for at, place in enumerate(places)), reverse=True)
    if not ranked:
        return None
    (has_key, _, _, _, alike, _, _), best = ranked[0]
    wrapped = [path for _, path in ranked if len(path) == 1 and _names(path[0], resource)]
    return best if has_key or alike or many or best == () else (wrapped[0] if wrapped else None)


def _is_own(names: Sequence[str], own: Collection[str]) -> bool:
    """Whether a lone object is called as the key that it holds (`{"Id": {"id": 7}}`)."""
    return flat(names[0]) in own


def is_envelope(path: tuple[str, ...]) -> bool:
    """Whether a place is what an envelope holds (`data`, `result`), whatever the thing is."""
    return len(path) == 1 and flat(path[0]) in HOLDERS


def shows_many(shape: dict[str, Json], known: Collection[str], resource: str) -> bool:
    """Whether an answer is about several things: an array of them, named as the resource or alone in it."""
    arrays = [(path, names) for path, names in _places(shape) if "*" in path]
    if shape.get("type") == "array":
        return bool(arrays)
    named = [path for path, _ in arrays if _names(path[-2], resource) or flat(path[-2]) in HOLDERS]
    scalars = {"string", "integer", "number", "boolean"}
    top = {flat(name) for name, sub in shape.get("properties", {}).items() if sub.get("type") in scalars}
    most = max((len(set(known) & {flat(name) for name in names}) for _, names in arrays), default=0)
    return most > len(top & (set(known) - {"name"})) and (bool(named) or len(arrays) == 1)


def key_field(
    shape: dict[str, Json] | None,
    document: tuple[str, ...] | None,
    keys: Sequence[str],
    resource: str,
    named: bool = False,
    *,
    sure: bool | None = False,
) -> str | None:
    """The document's own key among its properties: what the keyed tools' argument names, else `id`, `name`.

    `{groupName}` is `groupName`, else `name`; `{petId}` is `petId`, else `id`; `{pet}` is the name where callers give
    one (`named`), else the id. `sure` leaves out what merely may be a key (`slug`); None takes only what tools ask
    by, where that is no id.
    """
    places = dict([*_places(shape), *_called(shape, resource)]) if shape is not None else {}
    properties = places.get(document, ()) if document is not None else ()
    by_flat = {flat(name): name for name in reversed(properties)}
    last = last_noun(resource)
    if sure is None:
        by_other = not calls_by_noun(keys) and not any(IDS & {*words(key)[-1:]} for key in keys)
        return next((by_flat[name] for name in map(flat, keys) if name in by_flat), None) if by_other else None
    by_noun = (
        named and calls_by_noun(keys) and not any(flat(key) in by_flat and flat(key) != flat(last) for key in keys)
    )
    wanted = ["name", flat(last) + "name"] if by_noun else []
    wanted += [*(flat(key) for key in keys), *(bare(key, last) for key in keys)]
    wanted += [words(key)[-1] for key in keys if is_identifying(key)]
    wanted += ["name"] if named and any(singular(flat(key)) == flat(last) for key in keys) else []
    # What is asked for by a slug has no number for a key, and what is asked for by an id no name.
    asked = {words(key)[-1] for key in keys if is_identifying(key)}
    told = bool(asked) and asked <= {*GUESSES, "name"}
    sure = sure and not calls_by_noun(keys)
    guesses = () if sure or told else GUESSES
    wanted += ["id", flat(last) + "id", *sorted(guesses, key=lambda name: name != "slug" or not calls_by_noun(keys))]
    may_be_name = "name" in asked if told else not keys or any(not IDS & {*words(key)[-1:]} for key in keys)
    wanted += ["name"] if may_be_name and not sure else []
    return next((by_flat[name] for name in wanted if name in by_flat), None)


def given_key(
    names: Sequence[str], field: str | None, keys: Sequence[str], resource: str, *, copies: bool = False
) -> str | None:
    """Of a create's arguments, the one that fixes the new thing's key; `field` is the key's property."""
    by_flat = {flat(name): name for name in reversed(names)}
    if copies:  # `task_id` of `clone_task` is the task that there is, `TargetSnapshotIdentifier` the new one
        by_flat = {"".join(words(name)[1:]) or "id": name for name in names if words(name)[:1] in NEW}
    own = flat(noun(words(last_noun(resource))) or resource)
    # `{address}` is the name of an address, not the address that the thing has.
    wanted = [flat(field)] if field and calls_by_noun(keys) else []
    wanted += [flat(key) for key in keys]
    wanted += [flat(field)] if field else []
    wanted += ["id", own + "id"]
    found = (by_flat[name] for name in wanted if name in by_flat)
    return next((name for name in found if copies or field is None or _is_key(name, field, own)), None)


def calls_by_noun(keys: Sequence[str]) -> bool:
    """Whether tools call a thing by what it is (`{bucket}`, `{network}`), not by a field of it."""
    return bool(keys) and not any(is_identifying(key) or flat(key).rstrip(digits).endswith("id") for key in keys)


def is_served(schema: Json) -> bool:
    """Whether a field among a create's arguments is the server's to set, as its description says."""
    told = schema.get("description") if isinstance(schema, dict) else None
    marked = isinstance(schema, dict) and schema.get("readOnly") is True
    return marked or (isinstance(told, str) and bool(_SERVED.search(told)))


def _is_key(argument: str, field: str, own: str) -> bool:
    """Whether an argument names the key, not another field by which things are found too (`email` beside `id`)."""
    return words(argument)[-1:] == words(field)[-1:] or flat(argument) == own


def _names(name: str, resource: str) -> bool:
    return singular(flat(name)) in {flat(last_noun(resource)), flat(resource)}


def _places(shape: dict[str, Json]) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """(path, property names) of the answer itself, its wrapper properties, and the items of its arrays."""
    if shape.get("type") == "array":
        items = shape["items"]
        held = list((items.get("properties") or {}).values())
        first = 1 if len(held) == 1 and held[0].get("type") == "object" else 0  # `[{"tax": {...}}]`
        return [(("*", *path), names) for path, names in _places(items)[first : first + 1]]
    if shape.get("type") != "object":
        return []
    found: list[tuple[tuple[str, ...], tuple[str, ...]]] = [((), tuple(shape["properties"]))]
    for name, sub in shape["properties"].items():
        if sub.get("type") == "object":
            found.append(((name,), tuple(sub["properties"])))
            inner = sub["properties"].items()
            found += [((name, n, "*"), tuple(array["items"]["properties"])) for n, array in inner if _many(array)]
        elif _many(sub):
            found.append(((name, "*"), tuple(sub["items"]["properties"])))
    return found


def _called(shape: dict[str, Json], resource: str) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Objects called as the resource inside of what an envelope holds: `ship` of `{"data": {"agent", "ship"}}`."""
    held = [(name, sub) for name, sub in (shape.get("properties") or {}).items() if flat(name) in HOLDERS]
    return [
        ((name, n), tuple(inner["properties"]))
        for name, sub in held
        if sub.get("type") == "object"
        for n, inner in sub["properties"].items()
        if inner.get("type") == "object" and _names(n, resource)
    ]


def _many(shape: dict[str, Json]) -> bool:
    return shape.get("type") == "array" and shape["items"].get("type") == "object"
