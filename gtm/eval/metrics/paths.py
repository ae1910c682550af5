"""Structure F1: which typed places two responses share, whatever their values.

A typed place is (path with `[]` for every index, JSON type). Every value has one, objects and arrays too, but not the
root that holds something: `{}` for every object would share its root with any object.
"""

from gtm.eval.metrics.values import below, json_type
from gtm.types import Json

Place = tuple[str, str]


def typed_paths(value: Json) -> frozenset[Place]:
    """The typed places of a response."""
    found: set[Place] = set()
    _walk(value, "", found)
    return frozenset(found if len(found) == 1 else found - {("", "object"), ("", "array")})


def structure_f1(true: Json, answer: Json) -> float:
    """F1 of the answer's typed places against the true ones."""
    wanted, given = typed_paths(true), typed_paths(answer)
    return 2 * len(wanted & given) / (len(wanted) + len(given))


def _walk(value: Json, path: str, found: set[Place]) -> None:
    found.add((path, json_type(value)))
    if isinstance(value, dict):
        for key, item in value.items():
            _walk(item, below(path, key), found)
    elif isinstance(value, list):
        for item in value:
            _walk(item, f"{path}[]", found)
