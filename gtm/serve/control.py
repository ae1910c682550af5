"""The control plane under `/_gtm/`: sessions made, seen, snapshotted, restored, forked, reset; health and metrics.

For whoever runs an agent, never for the agent. A session holds a world for each spec; where a request concerns one
world and the server has several, it names it (`spec`).
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route

from gtm.serve.directory import Directory
from gtm.serve.metrics import Metrics
from gtm.serve.options import ServeOptions
from gtm.serve.problems import Refused
from gtm.serve.registry import Registry
from gtm.serve.sessions import ServedSession, Start
from gtm.serve.wire import WhileConnected, parse_json, read_body
from gtm.simulator.faults import Rules, preset
from gtm.simulator.session import Session
from gtm.types import Json
from gtm.world.outcome import WorldMode

STATE_FACTOR = 32
"""A saved session may be this much larger than any other body."""

Body = TypeVar("Body", bound=BaseModel)


# A name is a preset's here, never a file's.
Policy = Annotated[Rules, BeforeValidator(lambda value: preset(value) if isinstance(value, str) else value)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Create(_Strict):
    id: str | None = None
    seed: int | None = None
    world: WorldMode | None = None
    faults: Policy | None = None
    spec: str | None = None


class _Call(_Strict):
    tool: str
    arguments: Json = Field(default_factory=dict)
    spec: str | None = None


class _Faults(_Strict):
    faults: Policy
    spec: str | None = None


class _Advance(_Strict):
    seconds: float


class _Reset(_Strict):
    seed: int | None = None


class _Restore(_Strict):
    snapshot: str


class _Fork(_Strict):
    id: str | None = None


class Control:
    """The control plane of one server."""

    def __init__(self, registry: Registry, options: ServeOptions, metrics: Metrics) -> None:
        self._registry = registry
        self._directory: Directory = registry.directory
        self._limit = options.max_body_bytes
        self._metrics = metrics

    @property
    def routes(self) -> Mount:
        """Its routes."""
        one = "/sessions/{id}"
        table: list[tuple[str, str, Callable[[Request], Awaitable[Response]]]] = [
            ("GET", "/health", self.health),
            ("GET", "/metrics", self.metrics),
            ("GET", "/sessions", self.sessions),
            ("POST", "/sessions", self.create),
            ("GET", one, self.show),
            ("DELETE", one, self.delete),
            ("GET", f"{one}/state", self.state),
            ("PUT", f"{one}/state", self.put_state),
            ("POST", f"{one}/call", self.call),
            ("GET", f"{one}/faults", self.faults),
            ("PUT", f"{one}/faults", self.put_faults),
            ("POST", f"{one}/advance", self.advance),
            ("POST", f"{one}/reset", self.reset),
            ("POST", f"{one}/snapshot", self.snapshot),
            ("POST", f"{one}/restore", self.restore),
            ("POST", f"{one}/fork", self.fork),
            ("GET", f"{one}/calls", self.calls),
            ("GET", f"{one}/calls/{{number:int}}/explain", self.explain),
            ("GET", f"{one}/episode", self.episode),
        ]
        return Mount("/_gtm", routes=[Route(path, endpoint, methods=[method]) for method, path, endpoint in table])

    async def health(self, request: Request) -> Response:
        """Whether the server is up, and what it serves."""
        simulators = zip(self._directory.labels, self._directory.simulators, strict=True)
        specs = [{"name": label, "tools": len(s.toolset.tools), "model": s.model} for label, s in simulators]
        return JSONResponse({"status": "ok", "simulated": True, "specs": specs, "sessions": len(self._registry)})

    async def metrics(self, request: Request) -> Response:
        """Counters for Prometheus."""
        return PlainTextResponse(self._metrics.text(self._registry), media_type="text/plain; version=0.0.4")

    async def sessions(self, request: Request) -> Response:
        """Every session."""
        return JSONResponse({"sessions": await self._registry.all()})

    async def create(self, request: Request) -> Response:
        """A new session; 409 where its name is taken."""
        given = await self._read(request, _Create)
        only = self._world(given.spec) if given.spec is not None else None
        session = await self._registry.create(given.id, Start(given.seed, given.world, given.faults, only))
        return JSONResponse(await session.told(), 201, {"Location": f"/_gtm/sessions/{session.name}"})

    async def show(self, request: Request) -> Response:
        """One session."""
        return JSONResponse(await (await self._session(request)).told())

    async def delete(self, request: Request) -> Response:
        """Forget a session."""
        await self._registry.drop(request.path_params["id"])
        return Response(status_code=204)

    async def state(self, request: Request) -> Response:
        """The documents of a world; with `?full=1` the saved session that PUT takes."""
        world = await self._seen(request)
        return JSONResponse(world.dump() if request.query_params.get("full") == "1" else world.state())

    async def put_state(self, request: Request) -> Response:
        """Go back to a snapshot, or over to a saved session."""
        session = await self._session(request)
        value = await self._json(request, self._limit * STATE_FACTOR)
        if isinstance(value, dict) and value.keys() == {"snapshot"}:
            await session.restore(str(value["snapshot"]))
        else:
            await session.load(self._world(request.query_params.get("spec")), value)
        return JSONResponse(await session.told())

    async def call(self, request: Request) -> Response:
        """Call a tool; the whole Result, provenance included."""
        given = await self._read(request, _Call)
        session = self._registry.open(request.path_params["id"])
        entry = self._directory.find(given.tool)
        world, tool = (entry.world, entry.tool.name) if entry is not None else (0, given.tool)
        if given.spec is not None:
            world, tool = self._world(given.spec), given.tool
        elif entry is None and len(self._directory.simulators) > 1:
            raise Refused(404, self._directory.unknown(given.tool))
        response = Response()
        with self._metrics.call("control") as outcome, WhileConnected(request.receive):
            result = await session.call(world, tool, given.arguments)
            outcome.result(result)
            response = Response(result.model_dump_json(), media_type="application/json")
        return response

    async def faults(self, request: Request) -> Response:
        """The fault policy of a world."""
        world = await self._seen(request)
        rules = world.snapshot().faults
        return JSONResponse({"faults": [rule.model_dump(mode="json", exclude_defaults=True) for rule in rules]})

    async def put_faults(self, request: Request) -> Response:
        """Another fault policy for a world, from the next call on."""
        session = await self._session(request)
        given = await self._read(request, _Faults)
        await session.set_faults(self._world(given.spec), given.faults)
        return JSONResponse(await session.told())

    async def advance(self, request: Request) -> Response:
        """Move the simulated clock on."""
        session = await self._session(request)
        await session.advance((await self._read(request, _Advance)).seconds)
        return JSONResponse(await session.told())

    async def reset(self, request: Request) -> Response:
        """Empty worlds again."""
        session = await self._session(request)
        await session.reset((await self._read(request, _Reset)).seed)
        return JSONResponse(await session.told())

    async def snapshot(self, request: Request) -> Response:
        """Keep the worlds as they are."""
        return JSONResponse({"snapshot": await (await self._session(request)).snapshot()}, 201)

    async def restore(self, request: Request) -> Response:
        """Go back to a snapshot."""
        session = await self._session(request)
        await session.restore((await self._read(request, _Restore)).snapshot)
        return JSONResponse(await session.told())

    async def fork(self, request: Request) -> Response:
        """A new session that goes on from this one."""
        session = await self._session(request)
        given = await self._read(request, _Fork)
        other = await self._registry.fork(session, given.id)
        return JSONResponse(await other.told(), 201, {"Location": f"/_gtm/sessions/{other.name}"})

    async def calls(self, request: Request) -> Response:
        """The journal: every call and its result, oldest first."""
        world = await self._seen(request)
        return JSONResponse({"calls": [turn.model_dump(mode="json") for turn in world.turns]})

    async def explain(self, request: Request) -> Response:
        """Why a call was answered as it was, field by field; the first call is number 1."""
        world = await self._seen(request)
        explanation = world.explain(request.path_params["number"])
        return JSONResponse(explanation.model_dump(mode="json"))

    async def episode(self, request: Request) -> Response:
        """The Episode, as JSONL."""
        world = await self._seen(request)
        text = "".join(f"{line}\n" for line in world.episode.lines())
        return Response(text, media_type="application/jsonl")

    async def _session(self, request: Request) -> ServedSession:
        return await self._registry.get(request.path_params["id"])

    async def _seen(self, request: Request) -> Session:
        """The world that a request wants to look at."""
        session = await self._session(request)
        return await session.seen(self._world(request.query_params.get("spec")))

    def _world(self, label: str | None) -> int:
        """Index of the spec that is meant."""
        if label is None:
            if len(self._directory.labels) > 1:
                raise Refused(400, f"this server has several specs; name one as 'spec': {self._known()}")
            return 0
        index = self._directory.world(label)
        if index is None:
            raise Refused(404, f"there is no spec {label[:200]!r}; there is {self._known()}")
        return index

    def _known(self) -> str:
        return ", ".join(repr(label) for label in self._directory.labels[:20])

    async def _json(self, request: Request, limit: int) -> Json:
        body = await read_body(request.scope, request.receive, limit)
        return parse_json(body) if body.strip() else {}

    async def _read(self, request: Request, model: type[Body]) -> Body:
        """The body as `model`. Raises Refused (400) that names the first field that is wrong."""
        value: Any = await self._json(request, self._limit)
        try:
            return model.model_validate(value)
        except ValidationError as error:
            issue = error.errors(include_url=False, include_input=False, include_context=False)[0]
            where = ".".join(str(part) for part in issue["loc"]) or "the body"
            raise Refused(400, f"{where!r}: {issue['msg']}") from None
