"""Toolsets that several tests share, built from values."""

from gtm.types import ArgumentSlot, ErrorResponse, HttpBinding, Json, Tool, Toolset

PET: dict[str, Json] = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "name": {"type": "string"},
        "status": {"type": "string", "enum": ["available", "sold"]},
        "tags": {"type": "array", "items": {"type": "string"}},
        "createdAt": {"type": "string", "format": "date-time"},
        "secret": {"type": "string", "writeOnly": True},
    },
    "required": ["id", "name"],
}

PROBLEM: dict[str, Json] = {
    "type": "object",
    "properties": {"code": {"type": "integer"}, "message": {"type": "string"}},
    "required": ["code", "message"],
}


def operation(name: str, method: str, path: str, arguments: dict[str, Json], output: Json, status: int = 200) -> Tool:
    """An HTTP tool: what is not in the path is in the body, or in the query of a GET."""
    elsewhere = "query" if method == "GET" else "body"
    slots = {
        argument: ArgumentSlot(place="path" if f"{{{argument}}}" in path else elsewhere, name=argument)
        for argument in arguments
    }
    required = [argument for argument, slot in slots.items() if slot.place == "path"]
    binding = HttpBinding(
        method=method,
        path=path,
        slots=slots,
        status=status,
        media_type=None if output is None else "application/json",
        errors=(ErrorResponse(status=404, body_schema=PROBLEM), ErrorResponse(status=422, body_schema=PROBLEM)),
    )
    parameters = {"type": "object", "properties": arguments, "required": required}
    return Tool(name=name, description=name, parameters=parameters, output_schema=output, http=binding)


def pets() -> Toolset:
    """Create, read, list, update, replace and delete one resource whose keys the server chooses."""
    text, number = {"type": "string"}, {"type": "integer"}
    fields = {"name": text, "status": PET["properties"]["status"], "tags": PET["properties"]["tags"], "secret": text}
    listing = {"limit": number, "offset": number, "status": text, "q": text}
    return Toolset(
        name="pets",
        kind="openapi",
        tools=(
            operation("createPet", "POST", "/pets", fields, PET, 201),
            operation("getPet", "GET", "/pets/{petId}", {"petId": number}, PET),
            operation("updatePet", "PATCH", "/pets/{petId}", {"petId": number, **fields}, PET),
            operation("replacePet", "PUT", "/pets/{petId}", {"petId": number, **fields}, PET),
            operation("deletePet", "DELETE", "/pets/{petId}", {"petId": number}, None, 204),
            operation("listPets", "GET", "/pets", listing, {"type": "array", "items": PET}),
        ),
    )


def notes() -> Toolset:
    """Function tools without output schema whose keys the caller chooses."""
    text = {"type": "string"}
    return Toolset(
        name="notes",
        kind="openai",
        tools=tuple(
            Tool(
                name=name,
                description=name,
                parameters={"type": "object", "properties": arguments, "required": required},
            )
            for name, arguments, required in (
                ("create_note", {"note_id": text, "title": text, "body": text}, ["note_id", "title"]),
                ("get_note", {"note_id": text}, ["note_id"]),
                ("update_note", {"note_id": text, "title": text, "body": text}, ["note_id"]),
                ("delete_note", {"note_id": text}, ["note_id"]),
                ("list_notes", {"limit": {"type": "integer"}}, []),
                ("convert_currency", {"amount": {"type": "number"}, "currency": text}, ["amount", "currency"]),
            )
        ),
    )
