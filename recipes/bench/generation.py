"""Throughput of generation: through `Simulator`, through the engine alone, and through a naive emulator.

    generation.py [--calls 64] [--rounds 3] [--in-flight 32] [--naive 16]

Simulator and engine alone take turns on the same prompts and shapes in one process; the median ratio is reported.
The naive emulator asks the same model (xllamacpp, one request at a time, no grammar) to make up a result from the
tool's definition, with the same cap on tokens; answers that do not parse count as calls. Prints one JSON line.
"""

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Sequence
from typing import Any

from work import Recorder, Work, key_of, simulators, works

from gtm.engines.base import Completion, Engine, Request
from gtm.engines.models import fetch, open_engine
from gtm.engines.scripted import ScriptedEngine
from gtm.types import Json

NAIVE = """You stand in for a tool while an agent is tested. Make up what the real tool would answer.

Tool name: {name}
Description: {description}
Parameters: {parameters}
Result schema: {output}
Arguments: {arguments}

Answer with the result only, as JSON that fits the schema, without any explanation."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--in-flight", type=int, default=32)
    parser.add_argument("--naive", type=int, default=16, help="calls of the naive emulator; 0 leaves it out")
    parser.add_argument("--strict", action="store_true", help="also measure what strict mode costs")
    options = parser.parse_args()
    items = works(options.calls, ScriptedEngine())
    print(json.dumps(asyncio.run(_measure(items, options))))


async def _measure(items: list[Work], options: argparse.Namespace) -> dict[str, Json]:
    scripted = Recorder(ScriptedEngine())
    await _simulated(scripted, items, options.in_flight)
    requests = list(scripted.requests)
    cap = max(request.max_tokens for request in requests)
    naive = _naive(items[: options.naive], cap) if options.naive else {}
    engine = open_engine("gtm-135m")
    recorder = Recorder(engine)
    await _simulated(recorder, items, options.in_flight)  # warms both: prompts, grammars
    rounds = [
        (await _simulated(engine, items, options.in_flight), await _alone(engine, requests, options.in_flight))
        for _ in range(options.rounds)
    ]
    through, alone = zip(*rounds, strict=True)
    tokens = [completion.completion_tokens for completion in recorder.completions]
    report: dict[str, Json] = {
        "calls": len(items),
        "in_flight": options.in_flight,
        "simulator_calls_per_second": _rate(items, through),
        "engine_alone_calls_per_second": _rate(items, alone),
        "simulator_to_engine": round(statistics.median(b / a for a, b in rounds), 3),
        "tokens_per_call": round(statistics.mean(tokens), 1),
        "prompt_tokens_per_call": round(statistics.mean(c.prompt_tokens for c in recorder.completions), 1),
        "output_cap": cap,
    }
    await engine.aclose()
    if options.strict:
        report["strict_to_default"] = await _strict(items, options, statistics.median(through))
    if naive:
        faster = report["simulator_calls_per_second"] / naive["naive_calls_per_second"]
        report |= {**naive, "simulator_to_naive": round(faster, 1)}
    return report


async def _simulated(engine: Engine, items: Sequence[Work], in_flight: int) -> float:
    by_key = simulators(engine, items)
    gate = asyncio.Semaphore(in_flight)

    async def one(work: Work) -> None:
        async with gate:
            await by_key[key_of(work)].session(seed=work.seed, world="open").acall(work.tool.name, work.arguments)

    began = time.perf_counter()
    await asyncio.gather(*(one(work) for work in items))
    return time.perf_counter() - began


async def _alone(engine: Engine, requests: Sequence[Request], in_flight: int) -> float:
    gate = asyncio.Semaphore(in_flight)

    async def one(request: Request) -> list[Completion]:
        async with gate:
            return await engine.generate([request])

    began = time.perf_counter()
    await asyncio.gather(*(one(request) for request in requests))
    return time.perf_counter() - began


async def _strict(items: Sequence[Work], options: argparse.Namespace, default: float) -> float:
    engine = open_engine("gtm-135m", strict=True)
    await _simulated(engine, items, options.in_flight)
    took = [await _simulated(engine, items, options.in_flight) for _ in range(options.rounds)]
    await engine.aclose()
    return round(default / statistics.median(took), 3)


def _naive(items: Sequence[Work], cap: int) -> dict[str, Json]:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(fetch("gtm-135m"))
    params.n_ctx, params.n_parallel = 8192, 1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 2
    server = xllamacpp.Server(params)
    tokens, parsed = [], 0
    _ask(server, items[0], cap)
    began = time.perf_counter()
    for work in items:
        text, count = _ask(server, work, cap)
        tokens.append(count)
        parsed += _parses(text)
    took = time.perf_counter() - began
    return {
        "naive_calls": len(items),
        "naive_calls_per_second": round(len(items) / took, 2),
        "naive_tokens_per_call": round(statistics.mean(tokens), 1),
        "naive_parsed": parsed,
    }


def _ask(server: Any, work: Work, cap: int) -> tuple[str, int]:
    prompt = NAIVE.format(
        name=work.tool.name,
        description=work.tool.description[:1000],
        parameters=json.dumps(work.tool.parameters)[:2000],
        output=json.dumps(work.tool.output_schema)[:3000],
        arguments=json.dumps(work.arguments)[:1000],
    )
    body = {
        "messages": [{"role": "user", "content": prompt}],
        "max_tokens": cap,
        "temperature": 0.0,
        "cache_prompt": False,
    }
    answer = server.handle_chat_completions(body)
    return answer["choices"][0]["message"]["content"], answer["usage"]["completion_tokens"]


def _parses(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _rate(items: Sequence[Work], took: Sequence[float]) -> float:
    return round(len(items) / statistics.median(took), 2)


if __name__ == "__main__":
    main()
