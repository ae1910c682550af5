"""The embedded engine: OpenVINO GenAI in this process, continuous batching, prefix cache, a grammar per request.

Invariant: what a request with a shape writes is compact JSON of that shape, or a cut piece of it. One thread owns the
native pipeline (`gtm.engines.batching`). Reads a folder that `gtm.engines.models` prepared; fetches nothing.
"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gtm.engines.base import Completion, Request, check_allowed
from gtm.engines.batching import BatchLoop, Running
from gtm.engines.grammar import shape_to_ebnf
from gtm.errors import EngineError

if TYPE_CHECKING:
    import openvino_genai as genai

MANIFEST = "gtm.json"
"""In a prepared folder, written last: what is in it and the model's context length."""

BLOCK_TOKENS = 32
"""Tokens a block of the key-value cache holds on a CPU."""

CACHE_TOKENS = 32_000
"""Tokens the cache holds: 50 requests of 640, more where they share a prefix; beyond it the scheduler lets some wait.
Of the measured 1.1 GB of the process it is 0.44 GB."""

BATCHED_TOKENS = 1024
"""Prompt tokens a step takes. A step holds the interpreter's lock: this bounds how long event loops stand still
(0.45 s measured at 2,048, which is 10 % quicker)."""

STRICT: dict[str, Any] = {
    "INFERENCE_PRECISION_HINT": "f32",
    "KV_CACHE_PRECISION": "f32",
    "DYNAMIC_QUANTIZATION_GROUP_SIZE": 0,
}
"""Arithmetic that does not depend on what else is in the batch (30 of 30 requests alone as in a batch; with the cache
left at 8 bits 84 of 90)."""

STRICT_CACHE_TOKENS = 12_000
"""At f32 a token takes four times the memory."""

TEMPERATURE = 0.4
"""Greedy text loops: of 80 real calls 21 % ran into their token limit greedily, 12 % at a temperature of 0.7, with
twice as many distinct strings."""

FREQUENCY_PENALTY = 0.1
"""Halves the loops again (6 % cut). It weighs what was written only; a repetition penalty also weighs the prompt,
which punishes copying from it and left 19 % of the strings empty."""


class OpenVinoEngine:
    """Weights in a prepared folder, run on the CPU.

    Loading starts at the first `generate`, or at `start`. `strict` makes fresh runs agree whatever the batch size.
    """

    def __init__(self, path: Path, *, name: str, strict: bool = False, max_in_flight: int = 64) -> None:
        self._name = f"{name};strict" if strict else name
        self._loop = BatchLoop(
            self._name, lambda: _Pipeline(path, strict, max_in_flight), max_in_flight=max_in_flight
        )

    @property
    def name(self) -> str:
        """Identity of weights and settings."""
        return self._name

    def start(self) -> None:
        """Load the weights in the background, ahead of the first request."""
        check_allowed(self._name)
        self._loop.start()

    async def generate(self, requests: Sequence[Request]) -> list[Completion]:
        """One completion a request, in order; requests of all callers run as one batch."""
        check_allowed(self._name)
        return await self._loop.generate(requests)

    async def aclose(self) -> None:
        """End the thread and free the weights."""
        await asyncio.to_thread(self.close)

    def close(self) -> None:
        """`aclose` where there is no event loop."""
        self._loop.close()


@dataclass(eq=False, slots=True)
class _Generation:
    """One request inside the pipeline."""

    handle: "genai.GenerationHandle"
    pipeline: "_Pipeline"
    prompt_tokens: int

    def poll(self) -> Completion | None:
        return self.pipeline.outcome(self)

    def cancel(self) -> None:
        self.handle.cancel()


class _Pipeline:
    """The native pipeline as a backend of the batch loop."""

    def __init__(self, folder: Path, strict: bool, max_in_flight: int) -> None:
        genai = _library()
        tokens = STRICT_CACHE_TOKENS if strict else CACHE_TOKENS
        scheduler = genai.SchedulerConfig()
        scheduler.num_kv_blocks = tokens // BLOCK_TOKENS
        scheduler.max_num_batched_tokens = BATCHED_TOKENS
        scheduler.max_num_seqs = max_in_flight
        scheduler.enable_prefix_caching = True
        self._genai = genai
        self._strict = strict
        self._limit = min(_context_length(folder), tokens)
        try:
            self._tokenizer = genai.Tokenizer(folder)
            self._pipeline = genai.ContinuousBatchingPipeline(
                folder, self._tokenizer, scheduler_config=scheduler, device="CPU", **(STRICT if strict else {})
            )
        except RuntimeError as error:
            raise EngineError(
                f"the prepared weights in {str(folder)!r} cannot be loaded ({_reason(error)}); "
                "run 'gtm models fetch --force'"
            ) from error
        self._ends = {self._tokenizer.get_eos_token_id(), self._tokenizer.get_bos_token_id()}
        self._next = 0

    def add(self, request: Request) -> Running:
        grammar = None if request.schema is None else shape_to_ebnf(request.schema)
        history = [{"role": m.role, "content": _encodable(m.content)} for m in request.messages]
        prompt = self._tokenizer.apply_chat_template(history, add_generation_prompt=True)
        ids = self._tokenizer.encode(prompt, add_special_tokens=False).input_ids
        prompt_tokens = int(ids.shape[1])
        if prompt_tokens + request.max_tokens > self._limit:
            raise EngineError(
                f"a prompt of {prompt_tokens} tokens and {request.max_tokens} to write exceed this model's "
                f"{self._limit}; shorten the notes, the arguments or the schema"
            )
        self._next += 1
        handle = self._pipeline.add_request(self._next, ids, self._settings(request, grammar))
        return _Generation(handle, self, prompt_tokens)

    def step(self) -> None:
        self._pipeline.step()

    def outcome(self, generation: _Generation) -> Completion | None:
        statuses = self._genai.GenerationStatus
        status = generation.handle.get_status()
        if status == statuses.RUNNING:
            return None
        if status != statuses.FINISHED:
            raise EngineError(f"the engine gave up a request ({status.name}); its cache has no room, so shorten it")
        output = generation.handle.read_all()[0]
        ids = output.generated_ids
        text = self._tokenizer.decode(ids)
        cut = output.finish_reason == self._genai.GenerationFinishReason.LENGTH
        return Completion(
            text.rstrip("\ufffd") if cut else text, "length" if cut else "stop", generation.prompt_tokens, len(ids)
        )

    def _settings(self, request: Request, grammar: str | None) -> "genai.GenerationConfig":
        config = self._genai.GenerationConfig()
        config.apply_chat_template = False
        config.max_new_tokens = request.max_tokens
        config.stop_token_ids = self._ends
        config.frequency_penalty = FREQUENCY_PENALTY
        if request.stop:
            config.stop_strings = set(request.stop)
        if not self._strict:
            config.do_sample = True
            config.temperature = TEMPERATURE
            config.rng_seed = request.seed & 0xFFFFFFFF
        if grammar is not None:
            config.structured_output_config = self._genai.StructuredOutputConfig(grammar=grammar)
        return config


def _library() -> Any:
    try:
        import openvino_genai
    except ImportError as error:
        raise EngineError(
            "the embedded engine needs openvino-genai, which is not installed; "
            "run pip install 'gtm-sim[local]' or use model='scripted'"
        ) from error
    return openvino_genai


def _context_length(folder: Path) -> int:
    try:
        return int(json.loads((folder / MANIFEST).read_bytes())["context_length"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EngineError(
            f"{str(folder)!r} holds no prepared weights ({_reason(error)}); run 'gtm models fetch --force'"
        ) from error


def _encodable(text: str) -> str:
    """Text as UTF-8 can hold it: prompts quote what others wrote, lone surrogates too."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _reason(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[-1].strip()[:200] if lines else type(error).__name__
