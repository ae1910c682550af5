"""From what a user asks for to a run: items, suites, a folder of the configuration's own, engines that are closed.

The one place that knows all suites.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from gtm.errors import ConfigError
from gtm.eval.candidates import Engines, check_candidate, open_candidate
from gtm.eval.episodes import OWN, read_episodes
from gtm.eval.folder import Folder, RunConfig
from gtm.eval.items import Families, Items, read_items, spread
from gtm.eval.records import Candidate, Item, SuiteName
from gtm.eval.run import SUITES, Bench, Tell, run
from gtm.eval.suite import Suite
from gtm.eval.suites.consistency import SESSIONS, ConsistencySuite
from gtm.eval.suites.determinism import DeterminismSuite
from gtm.eval.suites.errors import ErrorsSuite
from gtm.eval.suites.fidelity import FidelitySuite
from gtm.eval.suites.format import FormatSuite
from gtm.eval.suites.judge import JudgeSuite
from gtm.eval.suites.speed import SpeedSuite
from gtm.prompt import VERSION
from gtm.tools.load import load_toolset
from gtm.types import Toolset, digest

DISTRIBUTION = "gtm-sim"
RUNS = Path("runs")


@dataclass(frozen=True)
class Wanted:
    """What a user asks for."""

    suites: Sequence[str]
    candidates: Sequence[str]
    data: Path | None = None
    """A folder with calls/ and tools/."""
    episodes: Sequence[Path] = ()
    """Or a user's own recordings, of the tools in `tools`."""
    tools: str | None = None
    """A file of definitions; `file#name` picks one of several toolsets."""
    limit: int | None = None
    seed: int = 0
    judges: Sequence[str] = ()
    folder: Path | None = None
    """None: a folder named by the configuration."""
    engines: Engines = field(default_factory=Engines)


class Toolsets(Mapping[str, Toolset]):
    """Families as a mapping; a toolset is made when it is asked for."""

    def __init__(self, families: Families) -> None:
        self._families = families

    def __getitem__(self, family: str) -> Toolset:
        return self._families.toolset(family)

    def __iter__(self) -> Iterator[str]:
        return iter(self._families)

    def __len__(self) -> int:
        return sum(1 for _ in self._families)


@dataclass(frozen=True)
class Prepared:
    """What `prepare` makes of what is wanted."""

    config: RunConfig
    bench: Bench

    def candidates(self) -> list[Candidate]:
        """The candidates, opened."""
        return [open_candidate(name, self.bench.engines, self.bench.pool) for name in self.config.candidates]


def prepare(wanted: Wanted) -> Prepared:
    """Read the data and make the suites. Raises ConfigError, SpecError and ModelError."""
    config = configured(wanted)
    every = recorded(wanted)
    chosen = every.items if wanted.limit is None else spread(every.items, wanted.limit, wanted.seed)
    return Prepared(config, make_bench(config, every, chosen, wanted.engines))


async def evaluate(wanted: Wanted, tell: Tell) -> Path:
    """Run what is wanted; the run's folder.

    Raises:
        ConfigError: a suite or candidate that is none.
        SpecError: no data, or none that can be scored.
        SessionError: a file of Episodes that is none.
        RunError: a folder of another configuration, or a suite with nothing to measure.
        EngineError: an engine failed; what was finished is kept.
    """
    config = configured(wanted)
    path = wanted.folder or RUNS / f"eval-{digest(config.model_dump(mode='json'))[:8]}"
    engines = wanted.engines
    try:
        prepared = prepare(wanted)
        with Folder(path, config) as folder:
            await run(prepared.bench, folder, tell)
    finally:
        await engines.aclose()
    return path


def configured(wanted: Wanted) -> RunConfig:
    """The configuration that decides a run's numbers. Raises ConfigError."""
    if wanted.limit is not None and wanted.limit < 1:
        raise ConfigError(f"--limit is the number of scored calls and at least 1; got {wanted.limit}")
    suites = [name for name in SUITES if name in wanted.suites]
    unknown = sorted(set(wanted.suites) - set(suites))
    if unknown or not suites:
        raise ConfigError(f"{(unknown or ['nothing'])[0]!r} is no suite: use {', '.join(SUITES)}")
    if "judge" in suites and not wanted.judges:
        raise ConfigError("the suite 'judge' needs judges: give --judge openai:NAME@URL, best twice")
    if wanted.data is None and not (wanted.episodes and wanted.tools):
        raise ConfigError(
            "an evaluation needs recordings: give --data DIR or set GTM_DATA, or --episodes FILE with --tools FILE"
        )
    if wanted.data is not None and wanted.episodes:
        raise ConfigError("give --data or --episodes, not both: two runs can be compared")
    if wanted.tools and not wanted.episodes:
        raise ConfigError("--tools says what --episodes are recordings of; give them too")
    file_of_tools, _, picked = (wanted.tools or "").partition("#")
    files = [wanted.data] if wanted.data is not None else [*wanted.episodes, Path(file_of_tools)]
    for file in files:
        if not file.exists():
            raise ConfigError(f"{str(file)!r} is not there; check the path")
    return RunConfig(
        suites=tuple(suites),
        candidates=tuple(dict.fromkeys(check_candidate(name) for name in wanted.candidates)),
        data=digest_of(files) + (f"#{picked}" if picked else ""),
        splits=("dev", "test") if wanted.data is not None else (OWN,),
        limit=wanted.limit,
        seed=wanted.seed,
        judges=tuple(wanted.judges),
        prompt_version=VERSION,
        version=version(DISTRIBUTION),
    )


def make_bench(config: RunConfig, every: Items, chosen: Sequence[Item], engines: Engines) -> Bench:
    """The suites of a configuration over chosen items; recordings to look up are all there are."""
    items = {item.id: item for item in chosen}
    toolsets = Toolsets(every.families)
    recordings: dict[str, list[Item]] = {}
    for item in every.items:
        recordings.setdefault(toolsets[item.family].digest, []).append(item)

    def pool(toolset: Toolset) -> Sequence[Item]:
        return recordings.get(toolset.digest, ())

    def reopen(name: str) -> Candidate:
        return open_candidate(name, engines, pool, fresh=True)

    judges = {name: engines.get(name) for name in config.judges}
    sessions = SESSIONS if config.limit is None else max(8, config.limit // 10)
    made: dict[SuiteName, Callable[[], Suite]] = {
        "format": lambda: FormatSuite(items, toolsets, config.seed),
        "errors": lambda: ErrorsSuite(items, every.families, config.seed),
        "fidelity": lambda: FidelitySuite(items, every.families, config.seed),
        "consistency": lambda: ConsistencySuite(toolsets, sessions, config.seed),
        "determinism": lambda: DeterminismSuite(items, toolsets, config.seed, reopen),
        "speed": lambda: SpeedSuite(items, toolsets, config.seed),
        "judge": lambda: JudgeSuite(items, toolsets, config.seed, judges),
    }
    return Bench([made[name]() for name in config.suites], engines, pool, every.excluded)


def recorded(wanted: Wanted) -> Items:
    """All there is to measure against. Raises SpecError and SessionError."""
    if wanted.data is not None:
        return read_items(wanted.data, seed=wanted.seed)
    assert wanted.tools is not None
    return read_episodes(wanted.episodes, load_toolset(wanted.tools))


def digest_of(sources: Sequence[Path]) -> str:
    """Identity of the data: names and contents of its files."""
    digester = hashlib.sha256()
    for source in sources:
        for path in [source] if source.is_file() else sorted(source.glob("*/*.jsonl.gz")):
            digester.update(f"{path.relative_to(source)}\0".encode() + path.read_bytes())
    return digester.hexdigest()[:16]
