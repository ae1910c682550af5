"""How the oracle reads names and addresses; on purpose without a look at how the simulator reads them."""

import re
from functools import lru_cache

Address = tuple[str, ...]
"""The segments of the path at which a thing is found."""
Place = tuple[str, ...]
"""Property names to a field; `*` for each item of an array."""


def flat(name: str) -> str:
    """`pet_id`, `petId` -> `petid`."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def within(address: Address, above: Address) -> bool:
    """Whether a thing is another, or inside of it."""
    return address[: len(above)] == above


def words(name: str) -> set[str]:
    """`petId` -> `pet`, `id`."""
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}


def alike(address: Address) -> Address:
    """`/inventories` and `/inventory` are one place."""
    return tuple(map(singular, address))


@lru_cache(maxsize=65536)
def singular(name: str) -> str:
    """`pets` -> `pet`."""
    name = flat(name)
    for ending, instead in (("ies", "y"), ("sses", "ss"), ("xes", "x"), ("ches", "ch"), ("shes", "sh")):
        if name.endswith(ending):
            return name[: -len(ending)] + instead
    return name[:-1] if name.endswith("s") and not name.endswith("ss") else name
