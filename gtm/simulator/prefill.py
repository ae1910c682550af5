"""Keys, times and constants put into the unknown part of an answer before an engine is asked.

They come from seeded services (`gtm.world.services`), never from a model. Arrays of things that carry a key get their
length here, so that every thing can have one. What is left over, an engine writes; what an engine leaves out, `fill`
takes from the seeded sampler.
"""

import random
from datetime import UTC, datetime, timedelta

from gtm.tools.sampler import sample
from gtm.tools.shape import escape
from gtm.types import Json, Source
from gtm.world import services
from gtm.world.tree import UNKNOWN, Whole

UPDATED_AFTER = timedelta(days=3)
"""How long after its creation an imagined thing was last changed."""


def prefill(
    shape: dict[str, Json], known: Json, sources: dict[str, Source], seed: int
) -> tuple[Json, dict[str, Source]]:
    """The known part with keys and times added where they were unknown."""
    marks = dict(sources)
    return _serve(shape, known, "", seed, marks), marks


def _serve(shape: dict[str, Json], known: Json, pointer: str, seed: int, marks: dict[str, Source]) -> Json:
    if shape.get("type") == "object":
        if isinstance(known, Whole) or (known is not UNKNOWN and not isinstance(known, dict)):
            return known
        inner = {} if known is UNKNOWN else dict(known)
        start = _made(inner)
        for name, sub in shape.get("properties", {}).items():
            at = f"{pointer}/{escape(name)}"
            value = _serve_leaf(name, sub, at, seed, start) if name not in inner else UNKNOWN
            if value is not UNKNOWN:
                inner[name], marks[at] = value, "computed"
                continue
            value = _serve(sub, inner.get(name, UNKNOWN), at, seed, marks)
            if value is not UNKNOWN:
                inner[name] = value
        return inner if inner or known is not UNKNOWN or not shape.get("properties") else UNKNOWN
    if shape.get("type") == "array" and isinstance(shape.get("items"), dict):
        if isinstance(known, list):
            return [
                _serve(shape["items"], item, f"{pointer}/{i}", services.seed_of(seed, i), marks)
                for i, item in enumerate(known)
            ]
        if known is UNKNOWN and has_service(shape["items"]):
            low = int(shape.get("minItems", 1))
            count = max(1, min(int(shape.get("maxItems", 3)), low + services.seed_of(seed, pointer) % 2))
            return [
                _serve(shape["items"], UNKNOWN, f"{pointer}/{i}", services.seed_of(seed, i), marks)
                for i in range(count)
            ]
    return known


def is_served(name: str, leaf: dict[str, Json]) -> bool:
    """Whether a leaf's value comes from a service and is never written by an engine."""
    return _serve_leaf(name, leaf, "", 0) is not UNKNOWN


def _made(known: dict[str, Json]) -> datetime | None:
    """When a thing was created, where that is known."""
    texts = [value for name, value in known.items() if services.is_created(name) and isinstance(value, str)]
    try:
        return datetime.strptime(texts[0], services.RFC3339).replace(tzinfo=UTC) if texts else None
    except ValueError:
        return None


def _serve_leaf(name: str, leaf: dict[str, Json], pointer: str, seed: int, made: datetime | None = None) -> Json:
    if "const" in leaf or len(leaf.get("enum", ())) == 1:
        return leaf["const"] if "const" in leaf else leaf["enum"][0]
    if leaf.get("type") == "null":
        return None
    if "enum" in leaf:
        return UNKNOWN
    own = services.seed_of(seed, pointer)
    if services.is_time(name, leaf):
        # Counted from the answer's seed: times of one answer keep their order (created before updated).
        start = services.past(seed) if made is None else made
        is_later = services.is_updated(name) and start < services.EPOCH
        later = UPDATED_AFTER if is_later else timedelta()
        return services.moment(
            leaf, start + later + timedelta(seconds=0 if services.is_created(name) else own % 3600)
        )
    if services.is_identifier(name, leaf):
        return services.identifier(name, leaf, own)
    return UNKNOWN


def has_service(shape: dict[str, Json]) -> bool:
    """Whether some leaf of an object's shape comes from a service."""
    return shape.get("type") == "object" and any(
        is_served(name, sub) for name, sub in shape.get("properties", {}).items()
    )


def complete(shape: dict[str, Json], known: Json) -> Json:
    """The known part in the shape's order where it is the whole answer, else UNKNOWN; `fill`, but quicker."""
    if known is UNKNOWN or isinstance(known, Whole):
        return known if known is UNKNOWN else dict(known)
    if shape.get("type") == "object" and isinstance(known, dict):
        result: dict[str, Json] = {}
        for name, sub in shape.get("properties", {}).items():
            value = known.get(name, UNKNOWN)
            if "properties" in sub or "items" in sub:
                value = complete(sub, value)
            if value is UNKNOWN:
                return UNKNOWN
            result[name] = value
        return result if len(result) == len(known) else {**result, **known, **result}
    items = shape.get("items")
    if shape.get("type") == "array" and isinstance(known, list) and isinstance(items, dict):
        values = [complete(items, item) for item in known]
        return UNKNOWN if any(value is UNKNOWN for value in values) else values
    return known


def fill(shape: dict[str, Json], content: Json, rng: random.Random) -> tuple[Json, list[str]]:
    """The content in the shape's order, every empty place of it sampled, and the pointers of those places."""
    filled: list[str] = []
    return _fill(shape, content, "", rng, filled), filled


def _fill(shape: dict[str, Json], content: Json, pointer: str, rng: random.Random, filled: list[str]) -> Json:
    if content is UNKNOWN:
        filled.append(pointer)
        return sample(shape, rng, hint=pointer.rpartition("/")[2])
    if isinstance(content, Whole):
        return dict(content)
    if shape.get("type") == "object" and isinstance(content, dict):
        # In the shape's order, so that the first answer and every later one have the same bytes.
        result = {
            name: _fill(sub, content.get(name, UNKNOWN), f"{pointer}/{escape(name)}", rng, filled)
            for name, sub in shape.get("properties", {}).items()
        }
        return {**result, **{name: value for name, value in content.items() if name not in result}}
    if shape.get("type") == "array" and isinstance(content, list) and isinstance(shape.get("items"), dict):
        return [_fill(shape["items"], item, f"{pointer}/{i}", rng, filled) for i, item in enumerate(content)]
    return content
