"""What other people's code relies on: names, signatures, and that an import is cheap."""

import inspect
import subprocess
import sys

import gtm
from gtm.simulator.session import Session

GENEROUS_SECONDS = 2.0
"""The target is 0.3 s on a quiet machine; this only catches a heavy import that crept in."""

HEAVY = ("torch", "openvino", "openvino_genai", "numpy", "mcp", "starlette", "uvicorn", "httpx2", "gtm.simulator")

MEASURE = f"""
import sys, time
began = time.perf_counter()
import gtm
print(time.perf_counter() - began)
print([name for name in {HEAVY!r} if name in sys.modules])
"""


def parameters(function: object) -> list[str]:
    assert callable(function)
    return [name for name in inspect.signature(function).parameters if name != "self"]


def test_names() -> None:
    assert gtm.__all__ == ["Call", "Episode", "Result", "Simulator", "Tool", "Toolset", "load_toolset"]
    assert all(getattr(gtm, name) is not None for name in gtm.__all__)


def test_signatures() -> None:
    assert parameters(gtm.load_toolset) == ["source", "name", "kind", "allow_exec"]
    assert parameters(gtm.Simulator) == ["toolset", "model", "config", "cache"]
    assert parameters(gtm.Simulator.session) == [
        "seed",
        "world",
        "faults",
        "record",
        "initial",
        "store",
        "name",
    ]
    assert parameters(Session.call) == parameters(Session.acall) == ["name", "arguments"]
    assert parameters(Session.observe) == ["name", "arguments", "content", "is_error"]
    public = {name for name in dir(Session) if not name.startswith("_")}
    assert {
        "call",
        "acall",
        "observe",
        "snapshot",
        "restore",
        "fork",
        "reset",
        "state",
        "episode",
        "explain",
    } <= public


def test_fields_of_a_result() -> None:
    fields = [
        "content",
        "text",
        "is_error",
        "status",
        "error",
        "provenance",
        "warnings",
        "fault",
        "delay_ms",
        "simulated",
    ]
    assert list(gtm.Result.model_fields) == fields


def test_import_is_cheap() -> None:
    runs = []
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", MEASURE], capture_output=True, text=True, check=True)
        seconds, heavy = done.stdout.splitlines()
        assert heavy == "[]"
        runs.append(float(seconds))
    assert min(runs) < GENEROUS_SECONDS


def test_simulating_needs_no_torch() -> None:
    code = "import sys, gtm; gtm.Simulator, gtm.load_toolset; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
