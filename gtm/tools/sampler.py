"""Values that satisfy a JSON Schema, drawn from a seeded generator: believable, valid, repeatable.

The structure is the one `gtm.tools.shape` chooses, so a sample shows the same optional properties as a generation.
A draw is checked by the real validator, then repaired, then drawn again; whoever asks gets a valid value or
`Unsatisfiable`. Shapes and validators are remembered by identity: a typical sample takes 0.03 ms (0.2 ms at p99).
"""

import random
from functools import lru_cache

from gtm.tools.draw import copy_json, draw
from gtm.tools.merge import Schema
from gtm.tools.repair import repair
from gtm.tools.shape import Shape, Unsatisfiable, output_shape
from gtm.tools.validator import Identity, Prepared, prepare
from gtm.types import Json, Tool

DRAWS = 3
"""Plain draws before repairing one: a repair costs as much as some twenty draws."""
OPTIONAL_SHARE = 0.4
"""How many of the optional arguments a sampled call has: recorded calls carry few."""


def sample(schema: dict[str, Json] | bool, rng: random.Random, *, hint: str = "") -> Json:
    """A value that validates against the schema.

    Raises:
        Unsatisfiable: the schema has no value, or none was found within bounds.
        SpecError: the schema is above a limit, or none at all.
    """
    prepared, shape = _ready(Identity(schema))
    value: Json = None
    for _ in range(DRAWS):
        value = draw(shape.schema, rng, hint)
        if prepared.validator.is_valid(value):
            return value
    return repair(prepared, value, rng, hint=hint)


def sample_arguments(tool: Tool, rng: random.Random) -> dict[str, Json]:
    """Valid arguments for a tool: those of an example half of the time, else required ones and some of the others.

    Raises:
        Unsatisfiable: no arguments satisfy the tool's parameters.
    """
    prepared, shape = _ready_arguments(Identity(tool.parameters))
    documented = [example.arguments for example in tool.examples if not example.is_error]
    if documented and rng.random() < 0.5:
        chosen = rng.choice(documented)
        if prepared.validator.is_valid(chosen):
            return {name: copy_json(value) for name, value in chosen.items()}
    required = set(prepared.schema.get("required", ()))
    for share in (OPTIONAL_SHARE, 0.0, 1.0):
        chosen = _subset(shape.schema, required, share, rng)
        arguments: dict[str, Json] = draw(chosen, rng)
        if prepared.validator.is_valid(arguments):
            return arguments
    mended = repair(prepared, arguments, rng)
    if not isinstance(mended, dict):
        raise Unsatisfiable(f"the parameters of {tool.name!r} allow no object of arguments")
    return mended


def _subset(shape: Schema, required: set[str], share: float, rng: random.Random) -> Schema:
    if shape.get("type") != "object":
        return {"type": "object", "properties": {}}
    inner = shape["properties"]
    return {**shape, "properties": {n: s for n, s in inner.items() if n in required or rng.random() < share}}


@lru_cache(maxsize=1024)
def _ready(key: Identity) -> tuple[Prepared, Shape]:
    return prepare(key.value), output_shape(key.value)


@lru_cache(maxsize=1024)
def _ready_arguments(key: Identity) -> tuple[Prepared, Shape]:
    return prepare(key.value), output_shape(key.value, omit="readOnly")
