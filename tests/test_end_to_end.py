"""From a real definition to answers of the embedded model, and over a sample of published definitions."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gtm import Simulator, load_toolset
from gtm.engines.base import Engine
from gtm.simulator.session import Session
from gtm.simulator.validation import compile_validator

ROOT = Path(__file__).parents[1]
GALAXY = ROOT / "examples" / "specs" / "galaxy.yaml"
SAMPLE = ROOT / "tests" / "data" / "catalog_sample.jsonl.gz"


def check_catalog(*arguments: str) -> dict[str, object]:
    command = [sys.executable, str(ROOT / "recipes" / "check_catalog.py"), "--files", str(SAMPLE), *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    report: dict[str, object] = json.loads(done.stdout)
    return report


async def play(session: Session) -> None:
    """Create, read, list, update, read, delete, read: each answer is bound by the ones before it."""
    made = await session.acall("createPlanet", {"name": "Ceres"})
    assert made.content["name"] == "Ceres"
    planet = {"planetId": made.content["id"]}
    assert (await session.acall("getPlanet", planet)).content == made.content
    listed = (await session.acall("getAllData")).content["data"]
    assert [item for item in listed if item["id"] == made.content["id"]] == [made.content]
    renamed = await session.acall("updatePlanet", {**planet, "name": "Vesta"})
    assert renamed.content["name"] == "Vesta"
    assert (await session.acall("getPlanet", planet)).content == renamed.content
    assert (await session.acall("deletePlanet", planet)).status == 204
    gone = await session.acall("getPlanet", planet)
    assert (gone.is_error, gone.status) == (True, 404)
    left = (await session.acall("getAllData")).content["data"]
    assert left == [item for item in listed if item["id"] != made.content["id"]]


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_real_api_is_consistent_with_the_embedded_model(embedded_engine: Engine) -> None:
    simulator = Simulator(load_toolset(GALAXY), model=embedded_engine, cache=False)
    sessions = [simulator.session(seed=seed) for seed in range(4)]
    await asyncio.gather(*(play(session) for session in sessions))
    for session in sessions:
        for turn in session.turns:
            schema = simulator.toolset.by_name[turn.call.tool].output_schema
            if not turn.result.is_error and schema is not None:
                assert compile_validator(schema).is_valid(turn.result.content)
    assert sessions[0].turns[0].result.content != sessions[1].turns[0].result.content


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("world", "found"), [("auto", True), ("open", True), ("closed", False)])
async def test_a_key_never_written_with_the_embedded_model(embedded_engine: Engine, world: str, found: bool) -> None:
    simulator = Simulator(load_toolset(GALAXY), model=embedded_engine, cache=False)
    session = simulator.session(seed=1, world=world)  # type: ignore[arg-type]
    first = await session.acall("getPlanet", {"planetId": 12})
    assert first.is_error is not found
    assert (await session.acall("getPlanet", {"planetId": 12})).content == first.content


PROCESS = """
import sys
from gtm import Simulator, load_toolset
from gtm.simulator.config import Config
strict = sys.argv[2] == "strict"
simulator = Simulator(load_toolset(sys.argv[1]), config=Config(strict=strict), cache=not strict)
session = simulator.session(seed=5)
for name, arguments in (("createPlanet", {"name": "Ceres"}), ("getPlanet", {"planetId": 3}), ("getAllData", {})):
    session.call(name, arguments)
sys.stdout.buffer.write(session.episode.comparable())
simulator.close()
"""


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("mode", ["cached", "strict"])
def test_two_processes_agree_with_the_embedded_model(weights: Path, mode: str) -> None:
    def run() -> bytes:
        command = [sys.executable, "-c", PROCESS, str(GALAXY), mode]
        return subprocess.run(
            command, check=True, capture_output=True, env={**os.environ, "PYTHONHASHSEED": "random"}
        ).stdout

    assert run() == run() != b""


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_published_tools_answer_validly_with_the_sampler() -> None:
    report = check_catalog("--tools", "360")
    assert (report["breaks_schema"], report["exceptions"], report["empty_though_declared"]) == (0, 0, 0)
    assert report["successes"] == report["calls"]
    assert isinstance(report["calls"], int)
    assert report["calls"] >= 355


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_published_tools_answer_validly_with_the_embedded_model(weights: Path) -> None:
    report = check_catalog("--tools", "24", "--model", "gtm-135m")
    assert (report["breaks_schema"], report["exceptions"], report["empty_though_declared"]) == (0, 0, 0)
    assert report["successes"] == report["calls"]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_benchmarks_run(weights: Path) -> None:
    command = [sys.executable, str(ROOT / "recipes" / "bench" / "run.py"), "--quick"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    report = json.loads(done.stdout)
    assert set(report) == {"overhead", "serving", "generation", "memory", "stores", "forks"}
    assert report["overhead"]["torch_imported"] is False
