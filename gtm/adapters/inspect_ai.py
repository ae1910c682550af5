"""The evaluation's suites as tasks of Inspect: `inspect eval gtm/adapters/inspect_ai.py@fidelity -T data=DIR`.

A sample is a unit of a suite, its score a dictionary of the unit's metrics (means over its steps); the figures of a
log are `gtm eval`'s own, with the ends of their intervals. The candidate is named as everywhere; a model called
`inspect` is the one that Inspect was given (`-T candidate=simulator:inspect --model openai/gpt-4o-mini`). Needs the
extra `inspect`.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageUser,
    GenerateConfig,
    ModelOutput,
    ResponseSchema,
    get_model,
)
from inspect_ai.scorer import Metric, SampleScore, Score, Scorer, Target, Value, metric, scorer
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.util import JSONSchema

from gtm.engines.base import Completion, Request
from gtm.engines.models import open_engine
from gtm.errors import EngineError
from gtm.eval.bench import Prepared, Wanted, prepare
from gtm.eval.candidates import Engines
from gtm.eval.records import Candidate
from gtm.eval.records import Score as Measured
from gtm.eval.statistics import measure
from gtm.eval.suite import Suite
from gtm.types import Message

MODEL = "inspect"
"""The name of the model that Inspect was given."""

MEASURED = "gtm_scores"
"""In a sample's metadata, what the solver measured."""


class InspectEngine:
    """The model that Inspect was given, as an engine."""

    @property
    def name(self) -> str:
        """Identity of the model."""
        return f"inspect:{get_model()}"

    async def generate(self, requests: Sequence[Request]) -> list[Completion]:
        """One completion a request, in order. Raises EngineError."""
        return list(await asyncio.gather(*(self._one(request) for request in requests)))

    async def aclose(self) -> None:
        """Nothing: the model is Inspect's."""

    async def _one(self, request: Request) -> Completion:
        schema = None
        if request.schema is not None:
            schema = ResponseSchema(name="answer", json_schema=JSONSchema.model_validate(request.schema), strict=True)
        config = GenerateConfig(
            max_tokens=request.max_tokens,
            temperature=0,
            seed=request.seed & 0x7FFFFFFF,
            stop_seqs=list(request.stop) or None,
            response_schema=schema,
        )
        output = await get_model().generate([_message(one) for one in request.messages], config=config)
        if output.error:
            raise EngineError(f"the model that Inspect was given failed: {output.error}; see its log")
        return _completion(output)


@task
def fidelity(data: str, candidate: str = "simulator:gtm-135m", limit: int | None = None, seed: int = 0) -> Task:
    """Predicted against recorded real answers."""
    return _task("fidelity", data, candidate, limit, seed)


@task
def errors(data: str, candidate: str = "simulator:gtm-135m", limit: int | None = None, seed: int = 0) -> Task:
    """Wrong calls refused, valid ones not."""
    return _task("errors", data, candidate, limit, seed)


@task
def output_format(data: str, candidate: str = "simulator:gtm-135m", limit: int | None = None, seed: int = 0) -> Task:
    """Raw and final answers against their schemas."""
    return _task("format", data, candidate, limit, seed)


@task
def consistency(data: str, candidate: str = "simulator:gtm-135m", limit: int | None = None, seed: int = 0) -> Task:
    """Contradictions in closed loops."""
    return _task("consistency", data, candidate, limit, seed)


def _task(suite: str, data: str, candidate: str, limit: int | None, seed: int) -> Task:
    engines = Engines(lambda model: InspectEngine() if model == MODEL else open_engine(model))
    wanted = Wanted([suite], [candidate], Path(data), limit=limit, seed=seed, engines=engines)
    prepared: Prepared = prepare(wanted)
    [measuring] = prepared.bench.suites
    [opened] = prepared.candidates()
    samples = [Sample(input=unit, id=unit) for unit in measuring.units(opened.name)]

    return Task(
        dataset=MemoryDataset(samples, name=f"gtm-{suite}"),
        solver=measured_by(measuring, opened),
        scorer=as_measured(),
        name=f"gtm_{suite}",
    )


@solver
def measured_by(suite: Suite, candidate: Candidate) -> Solver:
    """Measures a unit; Inspect's model is asked only where the candidate is made of it."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        scores = await suite.measure(str(state.sample_id), candidate)
        state.metadata[MEASURED] = [score.model_dump(mode="json") for score in scores]
        return state

    return solve


@metric
def over_families() -> Metric:
    """Every metric as a run's report has it, with the ends of its interval."""

    def summed(scores: list[SampleScore]) -> Value:
        every = [Measured.model_validate(one) for sample in scores for one in (sample.score.metadata or {})[MEASURED]]
        figures: dict[str, float] = {}
        for one in measure(every):
            if not one.slice:
                figures |= {one.metric: one.value, f"{one.metric}_low": one.low, f"{one.metric}_high": one.high}
        return dict(figures)

    return summed


@scorer(metrics=[over_families()])
def as_measured() -> Scorer:
    """The metrics of a unit, each the mean over the steps that have it."""

    async def score(state: TaskState, target: Target) -> Score:
        kept = state.metadata.get(MEASURED, [])
        scores = [Measured.model_validate(one) for one in kept]
        names = sorted({name for one in scores for name in one.values})
        values: dict[str, str | int | float | bool | None] = {
            name: fmean(one.values[name] for one in scores if name in one.values) for name in names
        }
        return Score(value=values, metadata={MEASURED: kept})

    return score


def _message(message: Message) -> ChatMessage:
    if message.role == "system":
        return ChatMessageSystem(content=message.content)
    if message.role == "user":
        return ChatMessageUser(content=message.content)
    return ChatMessageAssistant(content=message.content)


def _completion(output: ModelOutput) -> Completion:
    usage = output.usage
    return Completion(
        output.completion,
        "length" if output.stop_reason in ("max_tokens", "model_length") else "stop",
        usage.input_tokens if usage else 0,
        usage.output_tokens if usage else 0,
    )
