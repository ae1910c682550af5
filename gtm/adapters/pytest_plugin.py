"""pytest: the fixture `gtm`, which makes a stateful fake of any tool definition in two lines.

    def test_agent(gtm):
        shop = gtm("shop.yaml")
        assert shop.call("createPet", {"name": "Rex"}).content["name"] == "Rex"

A test is offline and repeatable: values are drawn from the schemas unless a model is named, weights are never
fetched, a spec is a file. Recordings lie beside the test, one file each (`cassettes/MODULE/TEST.jsonl`), so that
parallel workers never share one; `--gtm-record` says when they are made.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from gtm.simulator.config import Config
    from gtm.simulator.session import Session
    from gtm.simulator.simulator import Simulator
    from gtm.types import Toolset

MODES = ("none", "once", "new_episodes", "all")

Pins = Mapping[str, Sequence[Mapping[str, Any]]]


def pytest_addoption(parser: pytest.Parser) -> None:
    """The plugin's options."""
    group = parser.getgroup("gtm", "simulated tools")
    group.addoption(
        "--gtm-record",
        choices=MODES,
        default="none",
        help="when to record answers: never; if a test has no cassette; also what is new; all anew (default: none)",
    )
    group.addoption("--gtm-model", metavar="M", help="what writes the answers (default: scripted, without weights)")
    parser.addini("gtm_model", "what writes the answers of simulated tools", default="scripted")


@pytest.fixture
def gtm(request: pytest.FixtureRequest) -> Iterator["Gtm"]:
    """Make fakes: `gtm("shop.yaml")` is a session with simulated tools."""
    fakes = Gtm(request)
    yield fakes
    fakes.close()


class Gtm:
    """Makes sessions for one test, and frees them after it."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._request = request
        self._simulators: list[Simulator] = []

    def __call__(
        self,
        spec: "str | Path | dict[str, Any] | list[Any] | Toolset",
        *,
        seed: int | None = None,
        pin: Pins | None = None,
        real: str | None = None,
        model: str | None = None,
        config: str | Path | None = None,
    ) -> "Session":
        """A session with the tools of `spec`.

        Args:
            spec: a file (found from the test's folder, else from where pytest runs), a parsed document or a Toolset.
            seed: another seed is another world.
            pin: calls with a fixed answer, by tool: `{"charge": [{"when": {"amount": 7}, "result": {...}}]}`.
            real: URL or command of the real tools; they are asked when `--gtm-record` records, and never otherwise.
            model: what writes the answers, in this test.
            config: a gtm.yaml, for everything else.
        """
        from gtm.simulator.simulator import Simulator

        chosen = self._config(pin, real, config)
        toolset = _load_file(self._found(spec)) if isinstance(spec, str | Path) else _load(spec)
        simulator = Simulator(toolset, model=self._model(model, chosen), config=chosen)
        self._simulators.append(simulator)
        return simulator.session(seed=seed)

    @property
    def cassette(self) -> Path:
        """Where the recordings of the next fake of this test are."""
        test, number = self._request.node, len(self._simulators) + 1
        name = test.nodeid.partition("::")[2].replace("::", ".")
        safe = re.sub(r"[^A-Za-z0-9._\[\]-]", "_", name)[:120]
        if safe != name:
            safe += "-" + hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        suffix = "" if number == 1 else f".{number}"
        return Path(test.path.parent, "cassettes", test.path.stem, f"{safe}{suffix}.jsonl")

    def close(self) -> None:
        """Free everything."""
        for simulator in self._simulators:
            simulator.close()

    def _config(self, pin: Pins | None, real: str | None, config: str | Path | None) -> "Config":
        from gtm.simulator.config import Config

        base = Config.load(self._found(config)) if config is not None else Config()
        raw = base.model_dump(mode="json", exclude_unset=True)
        for name, pins in (pin or {}).items():
            raw.setdefault("tools", {}).setdefault(name, {})["pin"] = [dict(one) for one in pins]
        mode, path = self._request.config.getoption("--gtm-record"), self.cassette
        if real is not None:
            raw |= {"real": real, "mode": raw.get("mode", "real")}
            if mode == "none" and not path.exists():
                pytest.fail(f"{str(path)!r} is not recorded yet; run pytest --gtm-record once", pytrace=False)
        if mode != "none" or path.exists():
            if mode != "none":
                path.parent.mkdir(parents=True, exist_ok=True)
            raw["cassette"] = {"file": str(path), "mode": mode}
        return Config.parse(raw)

    def _model(self, named: str | None, config: "Config") -> str:
        from gtm.engines.models import list_models

        asked = named or self._request.config.getoption("--gtm-model")
        if asked is None:
            asked = config.model if "model" in config.model_fields_set else self._request.config.getini("gtm_model")
        if any(info.name == asked and not info.fetched for info in list_models()):
            pytest.fail(
                f"the weights of {asked!r} are not on this machine; run: gtm models fetch {asked}", pytrace=False
            )
        return str(asked)

    def _found(self, name: str | Path) -> Path:
        """A file beside the test, else one from where pytest runs."""
        if str(name).startswith(("http://", "https://")):
            pytest.fail(
                f"{name!r} is not a file: tests are offline; save the definition beside the test", pytrace=False
            )
        for path in (self._request.node.path.parent / name, Path(name)):
            if path.is_file():
                return path
        pytest.fail(f"{str(name)!r} is neither beside the test nor in {str(Path.cwd())!r}", pytrace=False)


def _load(spec: "dict[str, Any] | list[Any] | Toolset") -> "Toolset":
    from gtm.tools.load import load_toolset
    from gtm.types import Toolset

    return spec if isinstance(spec, Toolset) else load_toolset(spec)


def _load_file(path: Path) -> "Toolset":
    state = path.stat()
    return _loaded(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=32)
def _loaded(path: Path, changed: int, size: int) -> "Toolset":
    from gtm.tools.load import load_toolset

    return load_toolset(path)
