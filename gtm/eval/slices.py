"""What a score can be looked at by: what the call does, where it comes from, how large its schema and history are."""

from functools import lru_cache

from gtm.eval.records import Item
from gtm.tools.validator import Identity
from gtm.types import Json, Toolset
from gtm.world.effects import infer_effects

SIZES = ((0, "none"), (5, "1-5"), (20, "6-20"), (60, "21-60"))
LENGTHS = ((0, "0"), (2, "1-2"), (5, "3-5"), (10, "6-10"))
"""Upper bound -> what the slice is called; beyond the last it is `more`."""


def slices_of(item: Item, step: int, toolset: Toolset) -> dict[str, str]:
    """The slices of one step."""
    tool = toolset.by_name[item.turns[step].tool]
    return {
        "domain": item.domain,
        "effect": _effects(Identity(toolset))[tool.name],
        "source": item.source,
        "split": item.split,
        "schema_size": _bucket(properties(tool.output_schema), SIZES),
        "history_length": _bucket(step, LENGTHS),
    }


def properties(schema: Json) -> int:
    """Declared properties of a schema, at any depth."""
    count, stack = 0, [schema]
    while stack and count < 1000:
        node = stack.pop()
        if isinstance(node, list):
            stack += node
        elif isinstance(node, dict):
            declared = node.get("properties")
            count += len(declared) if isinstance(declared, dict) else 0
            stack += node.values()
    return count


@lru_cache(maxsize=64)
def _effects(toolset: Identity) -> dict[str, str]:
    return {name: effect.kind for name, effect in infer_effects(toolset.value).items()}


def _bucket(number: int, bounds: tuple[tuple[int, str], ...]) -> str:
    return next((name for bound, name in bounds if number <= bound), "more")
