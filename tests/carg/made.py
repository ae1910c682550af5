"""Run folders made by hand: a shop's tools under several families, sessions carried out by the simulator."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gtm import Simulator, Tool
from gtm.carg.curate import CurateConfig
from gtm.carg.families import toolset_of
from gtm.carg.folder import RunFolder, appending
from gtm.carg.recipe import Recipe
from gtm.carg.records import Called, Entry, Kind, Refusal, Session, Written, to_line
from gtm.carg.stage import Done, Stage, Unit
from gtm.carg.teacher import Teacher
from gtm.engines.base import Completion, Request
from gtm.engines.scripted import ScriptedEngine
from gtm.prompt import VERSION, text_of
from gtm.simulator.config import Config
from gtm.tools.catalog import split
from gtm.types import HttpBinding, Json, Result

PET: dict[str, Json] = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "name": {"type": "string"},
        "status": {"enum": ["available", "sold"]},
        "note": {"type": "string"},
        "created_at": {"type": "string", "format": "date-time"},
    },
    "required": ["id", "name", "status", "created_at"],
}
PETS: dict[str, Json] = {
    "type": "object",
    "properties": {"items": {"type": "array", "items": PET}, "total": {"type": "integer"}},
    "required": ["items", "total"],
}
TRAIN = ("shop.example", "store.example", "market.example")
DEV = next(f"dev{n}.example" for n in range(1000) if split(f"dev{n}.example") == "dev")
TEST = next(f"test{n}.example" for n in range(1000) if split(f"test{n}.example") == "test")


def _tool(name: str, http: str, properties: dict[str, Json], required: list[str], output: dict[str, Json]) -> Tool:
    method, _, path = http.partition(" ")
    return Tool(
        name=name,
        description=f"{name.replace('_', ' ').capitalize()} of the shop.",
        parameters={"type": "object", "properties": properties, "required": required},
        output_schema=output,
        http=HttpBinding(method=method, path=path),
    )


_ID: dict[str, Json] = {"petId": {"type": "integer"}}
_FIELDS: dict[str, Json] = {"name": {"type": "string"}, "status": {"enum": ["available", "sold"]}}
_DELETED: dict[str, Json] = {
    "type": "object",
    "properties": {"deleted": {"type": "boolean"}},
    "required": ["deleted"],
}
TOOLS = (
    _tool("create_pet", "POST /pets", _FIELDS, ["name"], PET),
    _tool("get_pet", "GET /pets/{petId}", _ID, ["petId"], PET),
    _tool("list_pets", "GET /pets", {"limit": {"type": "integer"}}, [], PETS),
    _tool("update_pet", "PATCH /pets/{petId}", {**_ID, **_FIELDS}, ["petId"], PET),
    _tool("delete_pet", "DELETE /pets/{petId}", _ID, ["petId"], _DELETED),
)


def entries(family: str) -> list[Entry]:
    """The shop's tools under a family."""
    return [
        Entry(
            id=f"{family}/{tool.name}",
            family=family,
            split=split(family),
            domain="commerce/pet_shops",
            source="apisguru",
            licence="CC0-1.0",
            tool=tool,
        )
        for tool in TOOLS
    ]


@dataclass(frozen=True)
class Asked:
    """A call to be made; a `petId` that is a text of digits is the index of the earlier call whose id it takes."""

    tool: str
    arguments: dict[str, Json]
    kind: Kind = "session"
    refusal: Refusal | None = None
    expect_error: bool | None = None


class _Tape:
    """The sampler, and what it was asked."""

    name = "scripted"

    def __init__(self) -> None:
        self._engine = ScriptedEngine()
        self.heard: list[tuple[Request, Completion]] = []

    async def generate(self, requests: Sequence[Request]) -> list[Completion]:
        answers = await self._engine.generate(requests)
        self.heard += zip(requests, answers, strict=True)
        return answers

    async def aclose(self) -> None:
        await self._engine.aclose()


def carried_out(name: str, family: str, asked: Iterable[Asked], *, seed: int = 1, notes: str = "") -> Session:
    """A planned session, as the stage `responses` would write it."""
    tape = _Tape()
    toolset = toolset_of(family, entries(family))
    calls: list[Called] = []
    with Simulator(toolset, model=tape, config=Config(notes=notes), cache=False) as simulator:
        session = simulator.session(seed=seed)
        for one in asked:
            tape.heard.clear()
            arguments = dict(one.arguments)
            if isinstance(arguments.get("petId"), str) and arguments["petId"].isdecimal():
                arguments["petId"] = calls[int(arguments["petId"])].result.content["id"]
            result = session.call(one.tool, arguments)
            effect = simulator.definitions.effects.get(one.tool)
            calls.append(
                Called(
                    tool=one.tool,
                    arguments=arguments,
                    kind=one.kind,
                    refusal=one.refusal,
                    expect_error=one.expect_error,
                    effect=effect.kind if effect else "opaque",
                    origin="values" if tape.heard else "code",
                    result=result,
                    written=_written(*tape.heard[-1]) if tape.heard else None,
                )
            )
    return _session(name, family, calls, seed=seed, notes=notes, digest=toolset.digest)


def told(name: str, family: str, calls: Iterable[tuple[str, dict[str, Json], Json]]) -> Session:
    """A recorded session: tool, arguments, answer."""
    heard = []
    for tool, arguments, content in calls:
        text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
        user = f"Tool: {tool}\nCall: {tool}({json.dumps(arguments)})\nVariation: 1"
        heard.append(
            Called(
                tool=tool,
                arguments=arguments,
                kind="recorded",
                effect="opaque",
                origin="recorded",
                result=Result(content=content, text=text, provenance={"": "cassette"}),
                written=Written(
                    system="text", messages=(("system", text_of("text")), ("user", user)), shape=None, target=text
                ),
            )
        )
    return _session(name, family, heard, real=True)


def _session(
    name: str,
    family: str,
    calls: list[Called],
    *,
    seed: int = 0,
    notes: str = "",
    digest: str = "",
    real: bool = False,
) -> Session:
    return Session(
        id=name,
        family=family,
        source="http_recorded" if real else "planned",
        licence="CC0-1.0",
        real=real,
        seed=seed,
        world="auto",
        notes=notes,
        prompt_version=VERSION,
        toolset_digest=digest,
        calls=tuple(calls),
    )


def _written(request: Request, completion: Completion) -> Written:
    messages = tuple((message.role, message.content) for message in request.messages)
    system = "system" if request.schema is not None else "text"
    return Written(system=system, messages=messages, shape=request.schema, target=completion.text)


def life(name: str, family: str, *, seed: int = 1) -> Session:
    """A pet is made, read, changed, listed, deleted, and not found."""
    asked = [
        Asked("create_pet", {"name": f"Rex {name}", "status": "available"}),
        Asked("get_pet", {"petId": "0"}),
        Asked("update_pet", {"petId": "0", "status": "sold"}),
        Asked("list_pets", {}),
        Asked("delete_pet", {"petId": "0"}),
        Asked("get_pet", {"petId": "0"}, expect_error=True),
    ]
    return carried_out(name, family, asked, seed=seed)


def run_folder(path: Path, sessions: Iterable[Session], config: CurateConfig | None = None) -> RunFolder:
    """A run's folder whose stages up to `responses` are done."""
    path.mkdir(parents=True, exist_ok=True)
    folder = RunFolder(path, Recipe(curate=config or CurateConfig(errors=(0, 1))))
    by_family: dict[str, list[Session]] = {}
    for session in sessions:
        by_family.setdefault(session.family, []).append(session)
    for stage, files in (
        ("sources", ("sources", "recordings")),
        ("tools", ("tools",)),
        ("responses", ("responses",)),
    ):
        with appending(folder, stage, files) as appender:
            for family in by_family:
                done = Done()
                for entry in entries(family) if stage == "sources" else []:
                    done.add(stage, to_line(entry))
                for session in by_family[family] if stage == "responses" else []:
                    done.add(stage, to_line(session))
                appender.append(Unit(family), done)
            appender.finish()
    return folder


def run(folder: RunFolder, *stages: Stage) -> dict[str, int]:
    """Run stages in this process; the counts of the last."""
    counts: dict[str, int] = {}
    for stage in stages:
        with appending(folder, stage.name, stage.files) as appender:
            extra = stage.prepare(folder, Teacher.none(), lambda done, total: None)
            for unit in stage.units(folder):
                if unit.name not in appender.done:
                    appender.append(unit, stage.work(folder, unit))
            appender.finish(extra)
            counts = dict(appender.counts)
    return counts
