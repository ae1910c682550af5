"""Fields of a document that name a thing of another resource get the key of one that exists, or of one to be.

A thing that is named for the first time is remembered under the key it got, so that it can be read. Chosen by the
seed, the same in whichever answer the field is first shown.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

from gtm.tools.view import View
from gtm.types import Json
from gtm.world import services
from gtm.world.bound import Bound
from gtm.world.fields import fitted
from gtm.world.outcome import Moment
from gtm.world.resource import Reference
from gtm.world.state import Collection, Document, Place, Put, key_text

NEAREST = 50
"""Of so many known things, the newest, one is referred to."""


@dataclass(frozen=True, slots=True)
class Stub:
    """A thing that exists because another one names it."""

    reference: Reference
    key: Json

    def put(self, document: Mapping[str, Json]) -> Put:
        """It, stored with what the other thing's answer shows of it."""
        shown = document.get(self.reference.path[0]) if len(self.reference.path) > 1 else None
        value: dict[str, Json] = dict(shown) if isinstance(shown, dict) else {}
        if self.reference.key is not None:
            value.pop(self.reference.path[-1], None)
            value = {self.reference.key: self.key, **value}
        return Put(Place(self.reference.resource), self.key, value, "imagined")


def refer(bound: Bound, moment: Moment, value: Mapping[str, Json], owner: Json) -> tuple[dict[str, Json], list[Stub]]:
    """References that an answer shows and nobody has set, and the things that they name for the first time."""
    found: dict[str, Json] = {}
    stubs: list[Stub] = []
    if not bound.resource.references:
        return found, stubs
    shape = bound.shown_fields
    for reference in bound.resource.references:
        leaf = _leaf(shape, reference.path)
        if leaf is None or reference.path[0] in value or reference.path[0] == bound.key_field:
            continue
        collection = moment.state.at(Place(reference.resource))
        seed = services.seed_of(moment.seed, bound.resource.name, key_text(owner), list(reference.path))
        known = _known(collection, seed)
        if known is None and moment.mode == "closed":
            continue
        key = known.key if known is not None else _new_key(reference, collection, seed)
        shown = fitted(key, View(leaf, leaf)) if key is not None else None
        if shown is None:
            continue
        if known is None:
            stubs.append(Stub(reference, key))
        found[reference.path[0]] = shown if len(reference.path) == 1 else {reference.path[1]: shown}
        if known is not None and len(reference.path) > 1:
            found[reference.path[0]] = _embedded(shape[reference.path[0]], known.value, reference.path[1], shown)
    return found, stubs


def _known(collection: Collection, seed: int) -> Document | None:
    newest: list[Document] = []
    for order, text in islice(collection.sequence, NEAREST):
        document = collection.documents.get(text)
        if document is not None and document.order == order:
            newest.append(document)
    return newest[seed % len(newest)] if newest else None


def _new_key(reference: Reference, collection: Collection, seed: int) -> Json:
    leaf = reference.key_leaf
    if leaf.get("type") in {"integer", "number"}:
        number = int(leaf.get("minimum", 1)) + seed % (services.FIRST_KEY - 1)
        while collection.knows(number):
            number += 1
        return number
    return services.valid_key(reference.key or "id", leaf, seed)


def _leaf(shape: Mapping[str, Json], path: tuple[str, ...]) -> dict[str, Json] | None:
    leaf = shape.get(path[0])
    if len(path) > 1 and leaf is not None:
        leaf = (leaf.get("properties") or {}).get(path[1])
    return leaf if isinstance(leaf, dict) else None


def _embedded(shape: Json, known: Mapping[str, Json], key: str, shown: Json) -> dict[str, Json]:
    """What an answer shows of a known thing inside another."""
    fields = shape.get("properties") or {}
    parts = {name: fitted(known[name], View(leaf, leaf)) for name, leaf in fields.items() if name in known}
    return {**{name: part for name, part in parts.items() if part is not None}, key: shown}
