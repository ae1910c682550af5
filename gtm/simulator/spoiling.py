"""Answers spoiled: shortened lists, lost fields, text cut off, fields renamed or of another type.

Each function takes a JSON value and a seed and gives a new value with a sentence that says what was done, or None
where nothing could be. Nothing given is changed in place. Knows nothing of rules, tools and sessions.
"""

import copy
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

from gtm.errors import SpecError
from gtm.tools.shape import escape
from gtm.tools.validator import prepare
from gtm.types import Json, Source
from gtm.world.tree import UNKNOWN, inside, steps_of

MAX_PLACES = 200
"""Places of an answer that are looked at: a fault needs one."""

MAX_DEPTH = 6

Path = tuple[str | int, ...]
FieldPath = tuple[str | None, ...]
"""Names of fields down from the top; None is every item of an array."""


@dataclass(frozen=True, slots=True)
class Spoiled:
    """A spoiled answer."""

    content: Json
    detail: str
    moved: tuple[tuple[str, str], ...] = ()
    """Pointers that have become others."""
    remade: tuple[str, ...] = ()
    """Pointers whose value is new."""

    def provenance(self, sources: dict[str, Source]) -> dict[str, Source]:
        """The answer's provenance as it is now: what is gone has none."""
        if isinstance(self.content, str):
            return {"": "computed"} if "" not in sources else {"": sources[""]}
        found: dict[str, Source] = {}
        for pointer, source in sources.items():
            for old, new in self.moved:
                if pointer == old or pointer.startswith(f"{old}/"):
                    pointer = new + pointer[len(old) :]
            if _exists(self.content, pointer):
                found[pointer] = source
        found.update(dict.fromkeys(self.remade, "computed"))
        return {p: s for p, s in found.items() if not any(p.startswith(f"{made}/") for made in self.remade)}


@dataclass(frozen=True, slots=True)
class Drift:
    """How one field of a tool's answers changed."""

    path: FieldPath
    change: str
    """`renamed`, `retyped` or `removed`."""
    name: str = ""
    """The new name."""

    def dump(self) -> Json:
        """As JSON."""
        return {"path": list(self.path), "change": self.change, "name": self.name}

    @classmethod
    def load(cls, value: Json) -> Self:
        """From `dump()`."""
        return cls(tuple(value["path"]), value["change"], value["name"])


def cut(text: str, seed: int) -> Spoiled | None:
    """The text up to somewhere between a fifth and four fifths."""
    if len(text) < 2:
        return None
    end = max(1, int(len(text) * random.Random(seed).uniform(0.2, 0.8)))
    return Spoiled(text[:end], f"the text ends after {end} of {len(text)} characters")


def without_parts(content: Json, schema: dict[str, Json] | bool | None, seed: int) -> Spoiled | None:
    """A list loses its tail, else objects lose about half of their optional fields; the schema still holds."""
    rng = random.Random(seed)
    valid = _validity(schema)
    content = copy.deepcopy(content)
    arrays = [(path, items) for path, items in _containers(content, ()) if isinstance(items, list) and items]
    for path, items in sorted(arrays, key=lambda found: (len(found[0]), -len(found[1]))):
        whole = list(items)
        for keep in (rng.randrange(len(whole)), len(whole) - 1):
            items[:] = whole[:keep]
            if valid(content):
                return Spoiled(content, f"{_shown(path)} shows {keep} of {len(whole)} items")
        items[:] = whole
    lost = _lose_fields(content, valid, rng)
    return Spoiled(content, f"without {', '.join(lost)}") if lost else None


def drift(content: Json, seed: int) -> Drift | None:
    """A change of one field, to be applied to this and all later answers."""
    rng = random.Random(seed)
    paths = list(dict.fromkeys(_fields(content, ())))[:MAX_PLACES]
    if not paths:
        return None
    shallow = min(sum(step is not None for step in path) for path in paths)
    path = rng.choice([path for path in paths if sum(step is not None for step in path) <= shallow + 1])
    change = rng.choice(("renamed", "retyped", "removed"))
    return Drift(path, change, _renamed(str(path[-1])) if change == "renamed" else "")


def drifted(content: Json, change: Drift) -> Spoiled | None:
    """The answer with the change applied wherever the field is; None where it has no such field."""
    content = copy.deepcopy(content)
    moved: list[tuple[str, str]] = []
    remade: list[str] = []
    name = str(change.path[-1])
    for pointer, holder in _holders(content, change.path[:-1], ""):
        if name not in holder or (change.change == "renamed" and change.name in holder):
            continue
        here = f"{pointer}/{escape(name)}"
        if change.change == "retyped":
            holder[name] = _retyped(holder[name])
            remade.append(here)
            continue
        value = holder.pop(name)
        if change.change == "renamed":
            holder[change.name] = value
            moved.append((here, f"{pointer}/{escape(change.name)}"))
        else:
            moved.append((here, ""))
    if not moved and not remade:
        return None
    field = ".".join("*" if step is None else step for step in change.path)
    detail = {
        "renamed": f"{field!r} is called {change.name!r}",
        "retyped": f"{field!r} has another type",
        "removed": f"{field!r} is gone",
    }
    renamed = tuple(pair for pair in moved if pair[1])
    return Spoiled(content, detail[change.change], renamed, tuple(remade))


def _validity(schema: dict[str, Json] | bool | None) -> Callable[[Json], bool]:
    try:
        validator: Any = prepare(True if schema is None else schema).validator
    except SpecError:
        validator = prepare(True).validator
    return lambda content: bool(validator.is_valid(content))


def _lose_fields(content: Json, valid: Callable[[Json], bool], rng: random.Random) -> list[str]:
    """Take optional fields away, at least one where there is one; their paths."""
    places = [
        (path, holder, name)
        for path, holder in _containers(content, ())
        if isinstance(holder, dict)
        for name in holder
    ][:MAX_PLACES]
    rng.shuffle(places)
    lost: list[Path] = []
    wanted = max(1, len(places) // 2)
    for path, holder, name in places:
        if len(lost) >= wanted:
            break
        # An object keeps one field: an answer of nothing is not a partial one.
        if len(holder) < 2:
            continue
        before = dict(holder)
        del holder[name]
        if valid(content):
            lost.append((*path, name))
        else:
            holder.clear()
            holder.update(before)
    return sorted(_shown(path) for path in lost if not any(path[:n] in lost for n in range(1, len(path))))


def _containers(value: Json, path: Path) -> Iterator[tuple[Path, Json]]:
    """Objects and arrays, outermost first."""
    if len(path) > MAX_DEPTH or not isinstance(value, dict | list):
        return
    yield path, value
    steps: Sequence[tuple[str | int, Json]] = list(value.items() if isinstance(value, dict) else enumerate(value))
    for step, inner in steps[:MAX_PLACES]:
        yield from _containers(inner, (*path, step))


def _fields(value: Json, path: FieldPath) -> Iterator[FieldPath]:
    """Paths of all fields, items of an array taken together."""
    if len(path) > MAX_DEPTH:
        return
    if isinstance(value, list):
        for item in value[:10]:
            yield from _fields(item, (*path, None))
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield (*path, name)
            yield from _fields(inner, (*path, name))


def _holders(value: Json, path: FieldPath, pointer: str) -> Iterator[tuple[str, dict[str, Json]]]:
    """The objects at a path of fields, with their pointers."""
    if not path:
        if isinstance(value, dict):
            yield pointer, value
    elif path[0] is None:
        for index, item in enumerate(value if isinstance(value, list) else ()):
            yield from _holders(item, path[1:], f"{pointer}/{index}")
    elif isinstance(value, dict) and path[0] in value:
        yield from _holders(value[path[0]], path[1:], f"{pointer}/{escape(path[0])}")


def _renamed(name: str) -> str:
    """The name in another convention, else with a suffix."""
    if "_" in name.strip("_"):
        first, *rest = name.strip("_").split("_")
        return first + "".join(part.capitalize() for part in rest)
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    return snake if snake != name else f"{name}_value"


def _retyped(value: Json) -> Json:
    """The same said in another type."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    return {"items": value} if isinstance(value, list) else [value]


def _exists(value: Json, pointer: str) -> bool:
    for step in steps_of(pointer):
        value = inside(value, step)
    return value is not UNKNOWN


def _shown(path: Path) -> str:
    return ".".join(map(str, path)) or "the answer"
