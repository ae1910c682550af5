"""The documents a session can see, as one immutable value.

Kept by (resource, parents' keys, key); every change makes a new `State` that shares the rest, so a snapshot or a
fork is a reference. Changes come as a tuple and are applied all or not at all. Knows nothing of tools, effects or
models; a key is compared by its text, so `3` and `"3"` name one thing.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal, TypeAlias

from rpds import HashTrieMap, HashTrieSet, List

from gtm.errors import LimitError, SessionError
from gtm.types import Json, canonical, digest
from gtm.world.tree import steps_of
from gtm.world.words import flat

MAX_DOCUMENTS = 100_000
"""Documents in one session: beyond it something loops, and memory of the other sessions matters more."""

Origin = Literal["created", "imagined", "observed"]


@dataclass(frozen=True, slots=True)
class Place:
    """A collection: a resource inside its parents."""

    resource: str
    parents: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The collection's identity as text."""
        return canonical([self.resource, *self.parents]).decode()


@dataclass(frozen=True, slots=True)
class Document:
    """One thing. `order` is the moment it became known, and lists follow it."""

    key: Json
    value: dict[str, Json]
    order: int
    origin: Origin
    sent: frozenset[str] = frozenset()
    """Fields that a caller set or that were really seen: every tool that declares them shows them."""

    @property
    def said(self) -> dict[str, Json]:
        """Those fields, with their values."""
        return {name: known for name, known in self.value.items() if name in self.sent}


Index: TypeAlias = "HashTrieMap[str, HashTrieSet[str]]"
"""A field's values as text -> keys of the documents that have it."""


@dataclass(frozen=True)
class Collection:
    """The things of one place."""

    documents: "HashTrieMap[str, Document]" = field(default_factory=HashTrieMap)
    deleted: "HashTrieSet[str]" = field(default_factory=HashTrieSet)
    windows: "HashTrieMap[str, tuple[str, ...]]" = field(default_factory=HashTrieMap)
    """Pinned pages of imagined things: filter signature -> keys."""
    created: int = 0
    """How many keys were ever given out."""
    imagined: int = 0
    """How many things were ever imagined."""
    envelopes: "HashTrieMap[str, dict[str, Json]]" = field(default_factory=HashTrieMap)
    """What stood around the documents of an answer: tool and arguments -> other properties."""
    sequence: "List[tuple[int, str]]" = field(default_factory=List, compare=False, repr=False)
    """(order, key) of every document, newest first, and of some that are gone: kept so that nothing is sorted."""
    indexes: "dict[str, Index]" = field(default_factory=dict, compare=False, repr=False)
    """Flat name of a field -> its values -> keys. Made at the first question, then kept up with each write."""

    def __hash__(self) -> int:
        """By identity: what is remembered of a collection is remembered of this very value."""
        return id(self)

    @property
    def ordered(self) -> tuple[Document, ...]:
        """Documents in the order they became known."""
        found: list[Document] = []
        for order, text in self.sequence:
            document = self.documents.get(text)
            if document is not None and document.order == order:
                found.append(document)
        found.reverse()
        return tuple(found)

    def having(self, name: str, value: Json) -> Document | None:
        """The first thing with a field of this flat name and value."""
        if not self.documents:
            return None
        if name not in self.indexes:
            index: Index = HashTrieMap()
            for text, document in self.documents.items():
                index = _indexed(index, name, None, document, text)
            self.indexes[name] = index
        keys = self.indexes[name].get(key_text(value))
        return min((self.documents[text] for text in keys), key=lambda d: d.order) if keys else None

    def knows(self, key: Json) -> bool:
        """Whether a key is or was in use."""
        text = key_text(key)
        return text in self.documents or text in self.deleted

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything in it."""
        return digest(self.dump())

    def dump(self) -> dict[str, Json]:
        """As JSON."""
        return {
            "documents": [[d.key, d.value, d.order, d.origin, sorted(d.sent)] for d in self.ordered],
            "deleted": sorted(self.deleted),
            "windows": {signature: list(keys) for signature, keys in sorted(self.windows.items())},
            "created": self.created,
            "imagined": self.imagined,
            "envelopes": dict(sorted(self.envelopes.items())),
        }


@dataclass(frozen=True, slots=True)
class Put:
    """Store a document whole."""

    place: Place
    key: Json
    value: dict[str, Json]
    origin: Origin
    sent: tuple[str, ...] = ()
    """Fields of it that the caller set or that were really seen."""


@dataclass(frozen=True, slots=True)
class Delete:
    """Forget a document and remember that it is gone."""

    place: Place
    key: Json


@dataclass(frozen=True, slots=True)
class Pin:
    """Fix the page of things imagined for one filter."""

    place: Place
    signature: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wrap:
    """Fix what stood around the documents of one answer."""

    place: Place
    signature: str
    value: dict[str, Json]


@dataclass(frozen=True, slots=True)
class Mark:
    """Remember a value that is no document: the clock's lead, a limit that holds until a time."""

    name: str
    value: Json


Change = Put | Delete | Pin | Wrap | Mark

CLOCK = "clock"
"""The mark that holds how many seconds the clock is ahead of what the calls alone took."""


@dataclass(frozen=True)
class State:
    """Everything a session's world holds."""

    collections: "HashTrieMap[str, Collection]" = field(default_factory=HashTrieMap)
    order: int = 0
    documents: int = 0
    marks: "HashTrieMap[str, Json]" = field(default_factory=HashTrieMap)

    @property
    def ahead(self) -> float:
        """Seconds by which the simulated clock was moved on."""
        return float(self.marks.get(CLOCK) or 0.0)

    def at(self, place: Place) -> Collection:
        """The collection at a place; empty where nothing is known."""
        return self.collections.get(place.id) or _EMPTY

    def get(self, place: Place, key: Json) -> Document | None:
        """The document, or None."""
        return self.at(place).documents.get(key_text(key))

    def is_deleted(self, place: Place, key: Json) -> bool:
        """Whether it was there and was deleted, by this key or by another name."""
        deleted = self.at(place).deleted
        return key_text(key) in deleted or key_text(other_name(key)) in deleted

    def apply(self, changes: Iterable[Change]) -> "State":
        """The state after all changes. Raises LimitError when the world grows past MAX_DOCUMENTS."""
        state = self
        for change in changes:
            state = _APPLY[type(change)](state, change)
        if state.documents > MAX_DOCUMENTS:
            raise LimitError(f"the session's world holds more than {MAX_DOCUMENTS} documents; reset or fork earlier")
        return state

    def dump(self) -> dict[str, Json]:
        """As JSON, for snapshots on disk and the control plane."""
        return {
            "order": self.order,
            "marks": dict(sorted(self.marks.items())),
            "collections": {name: self.collections[name].dump() for name in sorted(self.collections)},
        }

    @classmethod
    def load(cls, value: Json) -> "State":
        """From `dump()`. Raises SessionError on anything else."""
        try:
            collections = {name: _load_collection(raw) for name, raw in value["collections"].items()}
            documents = sum(len(collection.documents) for collection in collections.values())
            return cls(HashTrieMap(collections), int(value["order"]), documents, HashTrieMap(value["marks"]))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SessionError(f"the saved world is damaged ({error!r}); start a new session") from error

    def __iter__(self) -> Iterator[tuple[str, Collection]]:
        """Collections by identity, sorted."""
        return iter([(name, self.collections[name]) for name in sorted(self.collections)])


SINGLE = "@"
"""Key of a thing that has no key of its own (`GET /me`)."""


def key_text(key: Json) -> str:
    """A key as it is compared."""
    if isinstance(key, str):
        return key
    if isinstance(key, float) and key.is_integer():
        return str(int(key))
    return str(key) if type(key) is int else canonical(key).decode()


_EMPTY = Collection()
_NO_KEYS: "HashTrieSet[str]" = HashTrieSet()


def _put(state: State, change: Change) -> State:
    assert isinstance(change, Put)
    collection, text = state.at(change.place), key_text(change.key)
    old = collection.documents.get(text)
    order = old.order if old else state.order + 1
    document = Document(
        old.key if old else change.key,
        change.value,
        order,
        old.origin if old else change.origin,
        all_sent(old.sent if old else frozenset(), change.sent),
    )
    updated = replace(
        collection,
        documents=collection.documents.insert(text, document),
        sequence=collection.sequence if old else collection.sequence.push_front((order, text)),
        indexes={name: _indexed(index, name, old, document, text) for name, index in collection.indexes.items()},
        deleted=collection.deleted.discard(text),
        created=collection.created + (old is None and change.origin == "created"),
        imagined=collection.imagined + (old is None and change.origin == "imagined"),
    )
    return replace(
        state,
        collections=state.collections.insert(change.place.id, updated),
        order=max(order, state.order),
        documents=state.documents + (old is None),
    )


def _delete(state: State, change: Change) -> State:
    assert isinstance(change, Delete)
    collection, text = state.at(change.place), key_text(change.key)
    old = collection.documents.get(text)
    updated = replace(
        collection,
        documents=collection.documents.discard(text),
        indexes={name: _indexed(index, name, old, None, text) for name, index in collection.indexes.items()},
        deleted=collection.deleted.insert(text),
    )
    collections = state.collections.insert(change.place.id, updated)
    return replace(state, collections=collections, documents=state.documents - (old is not None))


def other_name(name: Json) -> Json:
    """As what a deleted thing's other name is remembered; no key is written so."""
    return [SINGLE, name]


def all_sent(before: frozenset[str], now: Iterable[str]) -> frozenset[str]:
    """What callers set of a document, before and now: fields by name, and pointers into those that were set in part.

    A field that was set without pointers was set whole, and stays so.
    """
    new = frozenset(now)
    pointers = [name for name in (*before, *new) if name.startswith("/")]
    if not pointers:
        return before | new

    def whole(names: frozenset[str]) -> set[str]:
        parts = {_field(name) for name in names if name.startswith("/")}
        return {name for name in names if not name.startswith("/") and name not in parts}

    wholes = whole(before) | whole(new)
    return (before | new).difference(pointer for pointer in pointers if _field(pointer) in wholes)


def _field(pointer: str) -> str:
    return steps_of(pointer)[0]


def _indexed(index: Index, name: str, old: Document | None, new: Document | None, text: str) -> Index:
    """An index after a document was replaced."""
    before, after = _values(old, name), _values(new, name)
    for value in before - after:
        left = index.get(value, _NO_KEYS).discard(text)
        index = index.insert(value, left) if left else index.discard(value)
    for value in after - before:
        index = index.insert(value, index.get(value, _NO_KEYS).insert(text))
    return index


def _values(document: Document | None, name: str) -> set[str]:
    """The scalars that a document has under a flat name."""
    found = [value for field, value in document.value.items() if flat(field) == name] if document else []
    return {key_text(value) for value in found if isinstance(value, str | int | float)}


def _pin(state: State, change: Change) -> State:
    assert isinstance(change, Pin)
    collection = state.at(change.place)
    updated = replace(collection, windows=collection.windows.insert(change.signature, change.keys))
    return replace(state, collections=state.collections.insert(change.place.id, updated))


def _wrap(state: State, change: Change) -> State:
    assert isinstance(change, Wrap)
    collection = state.at(change.place)
    updated = replace(collection, envelopes=collection.envelopes.insert(change.signature, change.value))
    return replace(state, collections=state.collections.insert(change.place.id, updated))


def _mark(state: State, change: Change) -> State:
    assert isinstance(change, Mark)
    return replace(state, marks=state.marks.insert(change.name, change.value))


_APPLY = {Put: _put, Delete: _delete, Pin: _pin, Wrap: _wrap, Mark: _mark}


def _load_collection(raw: Json) -> Collection:
    documents = {
        key_text(key): Document(key, dict(value), int(order), origin, frozenset(sent))
        for key, value, order, origin, sent in raw["documents"]
    }
    windows = {signature: tuple(keys) for signature, keys in raw["windows"].items()}
    sequence = sorted(((document.order, text) for text, document in documents.items()), reverse=True)
    return Collection(
        HashTrieMap(documents),
        HashTrieSet(raw["deleted"]),
        HashTrieMap(windows),
        int(raw["created"]),
        int(raw["imagined"]),
        HashTrieMap(raw["envelopes"]),
        List(sequence),
    )
