"""Whoever does the units, the rows come in order, each once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gtm.carg.runners import AHEAD, LocalRunner, RayRunner, Work, open_runner
from gtm.carg.stage import Done, Unit
from gtm.errors import RunError
from tests.carg import labour

SQUARES = [b"%d\n" % (number * number) for number in range(60)]


def units(count: int = 60, given: str = "") -> Iterator[Unit]:
    return (Unit(str(number), given=given) for number in range(count))


def rows(runner: LocalRunner | RayRunner, work: Work, of: Iterator[Unit]) -> list[bytes]:
    try:
        return [row for _, done in runner.run(work, of) for row in done.rows["squares"]]
    finally:
        runner.close()


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_rows_do_not_depend_on_the_number_of_workers(workers: int) -> None:
    assert rows(LocalRunner(workers), labour.square, units()) == SQUARES


def test_only_a_bounded_number_of_units_is_taken_ahead() -> None:
    taken = 0

    def watched() -> Iterator[Unit]:
        nonlocal taken
        for unit in units(1000):
            taken += 1
            yield unit

    runner = LocalRunner(2)
    try:
        next(runner.run(labour.square, watched()))
        assert taken <= 2 * AHEAD + 1
    finally:
        runner.close()


@pytest.mark.parametrize("workers", [1, 2])
def test_an_exception_of_a_unit_ends_the_run(workers: int) -> None:
    runner = LocalRunner(workers)
    seen: list[Done] = []
    with pytest.raises(ValueError, match="three"):
        seen.extend(done for _, done in runner.run(labour.refuse, units()))
    runner.close()


def test_a_dead_worker_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="a worker died"):
        rows(LocalRunner(2), labour.die_once, units(given=str(tmp_path / "mark")))


def test_no_workers_is_refused() -> None:
    with pytest.raises(RunError, match="at least 1 worker"):
        open_runner("local", 0)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.filterwarnings("ignore")  # Ray's own
def test_a_ray_cluster_makes_the_same_rows_also_where_a_worker_dies(tmp_path: Path) -> None:
    runner = RayRunner(2)
    assert rows(runner, labour.square, units()) == SQUARES
    mark = tmp_path / "mark"
    assert rows(RayRunner(2), labour.die_once, units(given=str(mark))) == SQUARES
    assert mark.exists()
