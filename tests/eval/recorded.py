"""A data folder of two small families that belong to the splits of the evaluation."""

import gzip
import json
from pathlib import Path

from gtm.tools.catalog import split
from gtm.types import Json
from tests.eval.made import PET, pet

FAMILIES = [name for name in (f"pets-{number}.example" for number in range(60)) if split(name) != "train"][:2]


def tool(family: str, name: str, http: str, parameters: dict[str, Json], output: Json) -> dict[str, Json]:
    return {
        "id": f"{family}/{name}",
        "source": "made",
        "licence": "CC0-1.0",
        "domain": family,
        "category": "animals",
        "name": name,
        "description": f"{name} of {family}.",
        "parameters": {"type": "object", "properties": parameters, "required": list(parameters)},
        "output_schema": output,
        "http": http,
    }


def tools(family: str) -> list[dict[str, Json]]:
    number, word = {"id": {"type": "integer"}}, {"name": {"type": "string"}}
    return [
        tool(family, "createPet", "POST /pets", word, PET),
        tool(family, "getPet", "GET /pets/{id}", number, PET),
        tool(family, "listPets", "GET /pets", {}, {"type": "array", "items": PET}),
        tool(family, "deletePet", "DELETE /pets/{id}", number, None),
    ]


def session(family: str, number: int) -> dict[str, Json]:
    made = pet(70000 + number, f"Rex the {number}th")
    gone = {"message": "pet not found"}
    turns = [
        ("createPet", {"name": made["name"]}, made, False, 200),
        ("getPet", {"id": made["id"]}, made, False, 200),
        ("listPets", {}, [made], False, 200),
        ("deletePet", {"id": made["id"]}, None, False, 204),
        ("getPet", {"id": made["id"]}, gone, True, 404),
    ]
    return {
        "id": f"{family}-{number}",
        "source": "made",
        "licence": "CC0-1.0",
        "domain": family,
        "session": [
            {"tool": f"{family}/{name}", "arguments": a, "response": r, "is_error": e, "status": s}
            for name, a, r, e, s in turns
        ],
    }


def write_data(folder: Path, sessions: int = 4) -> Path:
    """The folder, as `gtm eval run --data` takes it."""
    lines = {
        "tools": [line for family in FAMILIES for line in tools(family)],
        "calls": [session(family, number) for family in FAMILIES for number in range(sessions)],
    }
    for kind, records in lines.items():
        (folder / kind).mkdir(parents=True)
        with gzip.open(folder / kind / "made.jsonl.gz", "wt", encoding="utf-8") as file:
            file.writelines(json.dumps(record) + "\n" for record in records)
    return folder
