"""The world that a session starts from: documents given by resource, in line or in a file.

What is given of a resource is all there is of it: its lists are complete, no other key of it is imagined. A file is
JSON or YAML (a list of documents, or documents by key) or CSV (a header line, then a document a line; an empty cell
is an absent field). The same documents give the same world, whatever a session's seed.
"""

import csv
import io
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from gtm.errors import ConfigError, SpecError
from gtm.tools.document import decode, read_document
from gtm.types import Json, canonical
from gtm.world import services
from gtm.world.bound import STORED, Bound
from gtm.world.declared import unknown_resource
from gtm.world.fields import matching
from gtm.world.model import WorldModel
from gtm.world.resource import Resource
from gtm.world.rules import COMPLETE
from gtm.world.state import SINGLE, Mark, Place, Put, State, key_text

MAX_BYTES = 5_000_000
"""Of one seed file."""

MAX_DOCUMENTS = 10_000
"""Of one resource."""

Seeds = Mapping[str, Sequence[Mapping[str, Json]] | str | Path]
"""Resource -> its documents, or the file that holds them."""


def read_seeds(initial: Mapping[str, Json], base: Path | None = None) -> dict[str, list[dict[str, Json]]]:
    """The documents themselves; a path is relative to `base`. Raises ConfigError naming resource and cause."""
    return {resource: _documents(resource, given, base or Path()) for resource, given in initial.items()}


def _documents(resource: str, given: Json, base: Path) -> list[dict[str, Json]]:
    where = f"initial.{resource}"
    if isinstance(given, str | Path):
        where = f"{where}: {str(given)!r}"
        given = _from_file(base / given, where)
    if not isinstance(given, list | tuple) or not all(isinstance(one, Mapping) for one in given):
        raise ConfigError(f"{where}: give a list of documents (objects), or the path of a file that holds one")
    if len(given) > MAX_DOCUMENTS:
        raise ConfigError(f"{where}: {len(given)} documents; at most {MAX_DOCUMENTS}")
    documents = [dict(one) for one in given]
    try:
        canonical(documents)
    except (ValueError, TypeError, RecursionError) as error:
        raise ConfigError(f"{where}: a document is no JSON ({error})") from None
    return documents


def _from_file(path: Path, where: str) -> Json:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(f"{where} is larger than {MAX_BYTES // 1_000_000} MB")
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{where} cannot be read: {error.strerror}; a path is relative to the gtm.yaml") from None
    if not data.strip():
        return []
    try:
        return _from_csv(decode(data, str(path)), where) if path.suffix == ".csv" else read_document(data, str(path))
    except SpecError as error:
        raise ConfigError(f"{where}: {error}") from None


def _from_csv(text: str, where: str) -> list[dict[str, Json]]:
    rows = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    documents: list[dict[str, Json]] = []
    try:
        names = [name.strip() for name in next(rows)]
        if not all(names) or len(set(names)) < len(names):
            raise ConfigError(f"{where}: the header needs a different name for each column; got {names}")
        for row in rows:
            if row and len(row) != len(names):
                raise ConfigError(f"{where}, line {rows.line_num}: {len(row)} cells under {len(names)} column names")
            if row:
                documents.append({name: _cell(cell) for name, cell in zip(names, row, strict=True) if cell != ""})
    except csv.Error as error:
        raise ConfigError(f"{where}, line {rows.line_num}: {error}") from None
    return documents


def _cell(text: str) -> Json:
    """A number or a boolean where the text is exactly how one is written; a schema may still make it a string."""
    if text in {"true", "false"}:
        return text == "true"
    for read in (int, float):
        try:
            value = read(text) if len(text) <= 40 else text
        except ValueError:
            continue
        if repr(value) == text and text not in {"nan", "inf", "-inf"}:
            return value
    return text


def seeded(model: WorldModel, seeds: Mapping[str, Sequence[Mapping[str, Json]]]) -> State:
    """The world that holds the documents. Raises ConfigError naming the resource and the document."""
    known = {e.resource for e in model.effects.values() if e.kind in STORED and e.resource}
    for name in seeds:
        if name not in known:
            raise ConfigError(f"initial: {unknown_resource(name, sorted(known))}; gtm inspect shows them")
    state = State()
    for name in sorted(seeds, key=lambda name: (len(model.resource(name).ancestors), name)):
        tools = [tool for tool in model.toolset.tools if model.effects[tool.name].resource == name]
        shelf = _Shelf(model.resource(name), [model.bind(tool) for tool in tools])
        for at, document in enumerate(seeds[name]):
            put = shelf.put(document, at, state)
            state = state.apply([*shelf.above(put.place, at, state, seeds), put])
        state = state.apply([Mark(COMPLETE + name, True)])
    return state


class _Shelf:
    """Where the documents of one resource go."""

    def __init__(self, resource: Resource, bounds: list[Bound]) -> None:
        self.resource = resource
        self.parents = max((bound.parents for bound in bounds), key=len, default=())
        keyed = [bound.own_keys for bound in bounds if bound.own_keys and bound.effect.kind != "create"]
        self.components = max(keyed, key=len, default=())

    def put(self, document: Mapping[str, Json], at: int, state: State) -> Put:
        """A document in its place under its key."""
        where = f"initial.{self.resource.name}[{at}]"
        value = {name: _typed(self.resource, name, part) for name, part in document.items()}
        place = Place(self.resource.name, tuple(self._parent(name, value, where) for name in self.parents))
        key = self._key(value, place, at, state, where)
        if state.get(place, key) is not None:
            raise ConfigError(f"{where}: a {self.resource.label} with the key {key!r} is already there")
        return Put(place, key, value, "observed", tuple(value))

    def above(self, place: Place, at: int, state: State, seeds: Collection[str]) -> Iterator[Put]:
        """The things that the document is inside of, where nobody told of them."""
        for depth, ancestor in enumerate(self.resource.ancestors):
            if ancestor is None or ancestor.key is None:
                continue
            holder, text = Place(ancestor.name, place.parents[:depth]), place.parents[depth]
            if state.get(holder, text) is not None:
                continue
            if ancestor.name in seeds:
                where = f"initial.{self.resource.name}[{at}]"
                raise ConfigError(f"{where}: it is inside of {ancestor.label} {text!r}, which initial does not hold")
            key = _typed(ancestor, ancestor.key, text)
            yield Put(holder, key, {ancestor.key: key}, "observed", (ancestor.key,))

    def _parent(self, argument: str, value: Mapping[str, Json], where: str) -> str:
        name = matching(argument, value)
        if name is None:
            raise ConfigError(f"{where}: it needs {argument!r}, the key of what it is inside of")
        return key_text(value[name])

    def _key(self, value: dict[str, Json], place: Place, at: int, state: State, where: str) -> Json:
        last = self.resource.name.rpartition("/")[2]
        if len(self.components) > 1:
            names = [matching(component, value, last) for component in self.components]
            if None in names:
                raise ConfigError(f"{where}: its key has the parts {', '.join(self.components)}")
            return [value[name] for name in names if name is not None]
        name = self.resource.key or next(iter(self.components), None)
        if name is None:
            return SINGLE
        given = matching(name, value, last)
        if given is not None and given != name:
            value[name] = value.pop(given)
        if value.get(name) is None:
            seed = services.seed_of("initial", self.resource.name, at)
            value[name] = services.new_key(name, self.resource.key_leaf, last, state.at(place), seed)
        if not isinstance(value[name], str | int | float):
            raise ConfigError(f"{where}: its key {name!r} is {value[name]!r:.40}; a key is a text or a number")
        return value[name]


def _typed(resource: Resource, name: str, value: Json) -> Json:
    """A scalar in the type that the field's schema has, where nothing is lost by it."""
    kind = (resource.key_leaf if name == resource.key else resource.leaf(name)).get("type")
    if kind == "string" and isinstance(value, int | float):
        return str(value).lower() if isinstance(value, bool) else key_text(value)
    if kind in {"integer", "number"} and isinstance(value, str) and len(value) <= 40:
        try:
            return int(value) if kind == "integer" or value.lstrip("-").isdigit() else float(value)
        except ValueError:
            return value
    return value
