"""Fixtures that several folders share: the embedded model, fetched once into the usual cache folder; a PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gtm.engines import models
from gtm.engines.base import FORBID_VARIABLE
from gtm.engines.openvino import OpenVinoEngine
from tests.postgres import Missing, Postgres


@pytest.fixture(autouse=True)
def _generation_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests say themselves when generation is forbidden, whatever the shell says."""
    monkeypatch.delenv(FORBID_VARIABLE, raising=False)


@pytest.fixture(scope="session")
def weights() -> Path:
    """The embedded model's GGUF; the first run on a machine downloads it."""
    return models.fetch(models.DEFAULT_MODEL)


@pytest.fixture(scope="session")
def embedded_engine(weights: Path) -> Iterator[OpenVinoEngine]:
    """One engine for the whole session: tests of any event loop share its batch."""
    engine = models.open_engine(models.DEFAULT_MODEL)
    assert isinstance(engine, OpenVinoEngine)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    """A real server for the tests of one module; they skip, and say why, where none can be started."""
    try:
        with Postgres() as server:
            yield server
    except Missing as reason:
        pytest.skip(str(reason))
