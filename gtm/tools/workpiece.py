"""A value being mended: its schema, place by place, and fresh values for any place.

What `gtm.tools.mend` changes a value with. Samples are counted, so that no schema can ask for endless work.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jsonschema_rs

from gtm.tools.draw import draw
from gtm.tools.merge import Expander, Schema, merge
from gtm.tools.shape import Unsatisfiable, escape, output_shape
from gtm.tools.validator import Prepared, matcher
from gtm.types import Json

MAX_SAMPLES = 2_500
"""Places sampled anew in one repair: enough for one array of the most items that are padded."""

Path = tuple[str | int, ...]
Error = jsonschema_rs.ValidationError


class Nothing:
    """No value at all (None is one)."""


NOTHING = Nothing()


def at(value: Json, path: Sequence[str | int]) -> Json:
    """What is at a path; None where nothing is."""
    for part in path:
        if isinstance(value, list):
            value = value[part] if isinstance(part, int) and part < len(value) else None
        else:
            value = value.get(part) if isinstance(value, dict) else None
    return value


def pointer_of(path: Sequence[str | int]) -> str:
    """A path as a JSON pointer."""
    return "".join(f"/{escape(str(part))}" for part in path)


def child_schema(flat: Schema, part: str | int) -> Json:
    """The schema of one property or item of a flat schema."""
    if isinstance(part, int):
        prefix = flat.get("prefixItems") or []
        return prefix[part] if part < len(prefix) else flat.get("items", True)
    properties = flat.get("properties") or {}
    found = [properties[part]] if part in properties else []
    for pattern, schema in (flat.get("patternProperties") or {}).items():
        accepts = matcher(pattern)
        if accepts is not None and accepts.is_valid(part):
            found.append(schema)
    if not found:
        return flat.get("additionalProperties", True)
    return found[0] if len(found) == 1 else {"allOf": found}


@dataclass(slots=True)
class Workpiece:
    """One value on its way to being valid."""

    prepared: Prepared
    value: Json
    rng: random.Random
    protected: frozenset[str]
    hint: str
    left: int = MAX_SAMPLES

    def put(self, path: Path, new: Json) -> None:
        """Set what is at a path."""
        if not path:
            self.value = new
            return
        holder = at(self.value, path[:-1])
        if isinstance(holder, dict):
            holder[str(path[-1])] = new
        elif isinstance(holder, list) and isinstance(path[-1], int):
            if path[-1] < len(holder):
                holder[path[-1]] = new
            else:
                holder.append(new)

    def sample(self, path: Path, skip: int = 0, also: Json = True) -> Any:
        """A fresh value for a place, or `NOTHING` where its schema has none."""
        return self.draw(self.shape_at(path, skip, also), path)

    def shape_at(self, path: Path, skip: int = 0, also: Json = True) -> Schema | None:
        """The shape of a place, or None where nothing satisfies its schema."""
        schema = self.schema_at(path, skip, also)
        try:
            return None if schema is None else output_shape({**schema, **self.definitions}).schema
        except Unsatisfiable:
            return None

    def draw(self, shape: Schema | None, path: Path) -> Any:
        """A value of a shape, or `NOTHING`: without a shape, and when the samples are used up."""
        self.left -= 1
        if shape is None or self.left < 0:
            return NOTHING
        return draw(shape, self.rng, next((part for part in reversed(path) if isinstance(part, str)), self.hint))

    @property
    def definitions(self) -> Schema:
        """What references in a part of the schema need beside it."""
        return {key: self.prepared.schema[key] for key in ("$defs", "definitions") if key in self.prepared.schema}

    def schema_at(self, path: Path, skip: int = 0, also: Json = True) -> Schema | None:
        """The flat schema of a place; in the branches that the present value is in, or `skip` branches on."""
        expander = Expander(self.prepared.schema)
        schema: Json = self.prepared.schema
        here = self.value
        for part in path:
            flat = expander.expand(schema, [here])
            schema = child_schema(flat.schema, part) if flat else False
            here = at(here, (part,))
        flat = expander.expand(schema, () if skip else [here], skip=skip)
        if flat is None:
            return None
        extra = expander.expand(also)
        return merge(flat.schema, extra.schema) if extra else flat.schema

    def holder(self, error: Error) -> Json:
        """The schema that an error's keyword stands in: a branch of a condition, say."""
        here: Json = self.prepared.schema
        for part in error.schema_path[:-1]:
            here = at(here, (part,))
        return here if isinstance(here, dict) else True

    def flat_holder(self, error: Error) -> Schema:
        """The same, flat."""
        expanded = Expander(self.prepared.schema).expand(self.holder(error))
        return expanded.schema if expanded else {}

    def errors_at(self, path: Path) -> bool:
        """Whether anything is wrong exactly at a place."""
        return any(tuple(error.instance_path) == path for error in self.prepared.validator.iter_errors(self.value))
