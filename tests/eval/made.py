"""A small API, and recorded sessions of it, for the tests of the evaluation."""

from gtm.eval.records import Item, TrueTurn
from gtm.types import ArgumentSlot, HttpBinding, Json, Tool, Toolset

PET: dict[str, Json] = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "name": {"type": "string"},
        "status": {"enum": ["available", "sold"]},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["id", "name", "status"],
}


def http(method: str, path: str, **places: str) -> HttpBinding:
    slots = {name: ArgumentSlot(place=place, name=name) for name, place in places.items()}
    return HttpBinding(method=method, path=path, slots=slots)


PETS = Toolset(
    name="pets",
    kind="catalog",
    tools=(
        Tool(
            name="createPet",
            description="Make a pet.",
            parameters={
                "type": "object",
                "properties": {"name": {"type": "string"}, "status": {"enum": ["available", "sold"]}},
                "required": ["name"],
            },
            output_schema=PET,
            http=http("POST", "/pets", name="body", status="body"),
            domain="pets.example",
        ),
        Tool(
            name="getPet",
            description="Show a pet.",
            parameters={"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]},
            output_schema=PET,
            http=http("GET", "/pets/{id}", id="path"),
            domain="pets.example",
        ),
        Tool(
            name="say",
            description="Say something.",
            parameters={"type": "object", "properties": {"what": {"type": "string"}}},
            domain="pets.example",
        ),
    ),
)


def pet(number: int, name: str, status: str = "available") -> dict[str, Json]:
    return {"id": number, "name": name, "status": status, "tags": []}


def item(number: int, name: str = "Rex", *, fresh: bool = True) -> Item:
    """A pet is made and shown; another is not there."""
    return Item(
        id=f"session-{number}",
        family="pets.example",
        domain="animals",
        source="made",
        split="dev",
        fresh=fresh,
        turns=(
            TrueTurn(tool="createPet", arguments={"name": name}, response=pet(number, name)),
            TrueTurn(tool="getPet", arguments={"id": number}, response=pet(number, name)),
            TrueTurn(
                tool="getPet",
                arguments={"id": number + 1000},
                response={"message": "no pet"},
                is_error=True,
                status=404,
            ),
        ),
        scored=(0, 1, 2),
    )


ITEMS = {one.id: one for one in (item(1), item(2, "Ada"), item(3, "Tom"))}
TOOLSETS = {"pets.example": PETS}
