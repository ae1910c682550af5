"""gtm doctor: check that this machine can simulate.

Reads versions, the processor, the cache folder and the weights, and generates once where weights are here. Fetches
nothing. What is missing but not needed (an extra, weights) is said, not a failure; what is broken exits with 1.
"""

import argparse
import asyncio
import importlib.metadata
import platform
import time
from pathlib import Path

from gtm.cli.terminal import show, show_json, table
from gtm.errors import EngineError, GenerationForbidden, ModelError
from gtm.types import Json

EXTRAS = {
    "core": ("pydantic", "jsonschema-rs", "pyyaml", "httpx2"),
    "local": ("openvino-genai", "gguf", "safetensors"),
    "serve": ("mcp", "starlette", "uvicorn"),
    "hub": ("huggingface-hub",),
}

FLAGS = ("avx2", "avx512f", "avx512_vnni", "amx_int8", "amx_bf16", "asimd", "asimddp", "i8mm")
"""Instructions that make generation quicker; none of them is needed."""

OK, MISSING, BROKEN = "ok", "not here", "broken"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's options."""
    parser.add_argument("--schema", action="store_true", help="print the JSON Schema of gtm.yaml and exit")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print a line a check; 1 where something is broken."""
    if arguments.schema:
        from gtm.simulator.config import Config

        show_json(Config.model_json_schema())
        return 0
    checks = [_python(), *(_extra(name) for name in EXTRAS), _processor(), _home(), *_model()]
    if arguments.json:
        show_json({name: {"state": state, "detail": detail} for name, state, detail in checks})
    else:
        show(table(("CHECK", "STATE", "DETAIL"), checks))
    return 1 if any(state == BROKEN for _, state, _ in checks) else 0


Check = tuple[str, str, str]
"""Name, state, detail."""


def _python() -> Check:
    gtm = importlib.metadata.version("gtm-sim")
    return "gtm", OK, f"{gtm}, Python {platform.python_version()}, {platform.system()} {platform.machine()}"


def _extra(name: str) -> Check:
    found, absent = [], []
    for package in EXTRAS[name]:
        try:
            found.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            absent.append(package)
    if absent:
        state = BROKEN if name == "core" else MISSING
        return name, state, f"{', '.join(absent)} not installed: pip install 'gtm-sim[{name}]'"
    return name, OK, ", ".join(found)


def _processor() -> Check:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return "cpu", OK, platform.processor() or "unknown"
    words = next((set(line.split()) for line in lines if line.startswith(("flags", "Features"))), set())
    flags = [flag for flag in FLAGS if flag in words]
    return "cpu", OK, f"{sum(line.startswith('processor') for line in lines)} cores; {', '.join(flags) or 'no flags'}"


def _home() -> Check:
    from gtm.engines.models import gtm_home

    home = gtm_home()
    if not home.exists():
        return "GTM_HOME", MISSING, f"{home} (made at the first fetch)"
    size = sum(path.lstat().st_size for path in home.rglob("*") if path.is_file() and not path.is_symlink())
    return "GTM_HOME", OK, f"{home}, {size // 1_000_000} MB"


def _model() -> list[Check]:
    """The embedded default: its weights, then one generation."""
    from gtm.engines.models import DEFAULT_MODEL, list_models, verify

    info = next(info for info in list_models() if info.name == DEFAULT_MODEL)
    if not info.fetched:
        return [("weights", MISSING, f"{DEFAULT_MODEL}: gtm models fetch gets them; --model scripted needs none")]
    try:
        path = verify(DEFAULT_MODEL)
    except ModelError as error:
        return [("weights", BROKEN, str(error))]
    return [("weights", OK, f"{path}, hash checked"), _generation(DEFAULT_MODEL)]


def _generation(model: str) -> Check:
    try:
        began = time.perf_counter()
        written = asyncio.run(_generate(model))
    except GenerationForbidden as error:
        return "generation", MISSING, str(error)
    except (EngineError, ModelError) as error:
        return "generation", BROKEN, str(error)
    return "generation", OK, f"{model} wrote {written} in {time.perf_counter() - began:.1f} s, loading included"


async def _generate(model: str) -> str:
    from gtm.engines.base import Request
    from gtm.engines.models import open_engine
    from gtm.types import Message

    shape: dict[str, Json] = {
        "type": "object",
        "properties": {"city": {"type": "string", "maxLength": 20}},
        "required": ["city"],
        "additionalProperties": False,
    }
    engine = open_engine(model)
    try:
        [completion] = await engine.generate([Request((Message("user", "Name a city, as JSON."),), shape, 32)])
    finally:
        await engine.aclose()
    return completion.text
