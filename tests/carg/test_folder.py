"""A run's folder: what is killed is resumed, what is damaged is said."""

import json
from pathlib import Path

import pytest

from gtm.carg.folder import RunFolder, appending
from gtm.carg.recipe import Recipe
from gtm.carg.stage import Done, Unit
from gtm.errors import RunError


def folder(path: Path) -> RunFolder:
    return RunFolder(path, Recipe())


def rows(*values: int) -> Done:
    done = Done()
    for value in values:
        done.add("numbers", b"%d\n" % value)
        done.counts["numbers"] += 1
    return done


def test_rows_are_found_again_by_unit(tmp_path: Path) -> None:
    run = folder(tmp_path)
    with appending(run, "numbers", ["numbers"]) as appender:
        appender.append(Unit("a"), rows(1, 2))
        appender.append(Unit("nothing"), Done())
        appender.append(Unit("b"), rows(3))
        appender.finish()
    units = list(run.units_of("numbers"))
    assert [unit.name for unit in units] == ["a", "nothing", "b"]
    assert [run.records(int, unit, "numbers") for unit in units] == [[1, 2], [], [3]]
    assert json.loads(run.manifest("numbers").read_bytes())["counts"] == {"numbers": 3}


def test_what_no_journal_line_names_is_cut_off(tmp_path: Path) -> None:
    run = folder(tmp_path)
    with appending(run, "numbers", ["numbers"]) as appender:
        appender.append(Unit("a"), rows(1, 2))
    with run.rows("numbers").open("ab") as file:
        file.write(b"3\n4")
    with run.journal("numbers").open("ab") as file:
        file.write(b'{"unit": "b", "spa')
    with appending(run, "numbers", ["numbers"]) as appender:
        assert appender.done == {"a"}
        appender.append(Unit("b"), rows(5))
        appender.finish()
    assert list(run.every(int, "numbers", "numbers")) == [1, 2, 5]


def test_two_processes_do_not_write_one_stage(tmp_path: Path) -> None:
    run = folder(tmp_path)
    with (
        appending(run, "numbers", ["numbers"]),
        pytest.raises(RunError, match="another process writes the stage 'numbers'"),
        appending(run, "numbers", ["numbers"]),
    ):
        pass


def test_a_damaged_journal_is_one_clear_error(tmp_path: Path) -> None:
    run = folder(tmp_path)
    run.journal("numbers").write_text('{"unit": 1}\n')
    with pytest.raises(RunError, match="line 1 is damaged"), appending(run, "numbers", ["numbers"]):
        pass


def test_rows_that_vanished_are_noticed(tmp_path: Path) -> None:
    run = folder(tmp_path)
    with appending(run, "numbers", ["numbers"]) as appender:
        appender.append(Unit("a"), rows(1, 2))
    run.rows("numbers").write_bytes(b"1\n")
    with pytest.raises(RunError, match="shorter than its journal"), appending(run, "numbers", ["numbers"]):
        pass


def test_a_full_disk_is_said_and_nothing_is_lost(tmp_path: Path) -> None:
    run = folder(tmp_path)
    with appending(run, "numbers", ["numbers"]) as appender:
        appender.append(Unit("a"), rows(1))
    target = run.rows("numbers")
    kept = target.read_bytes()
    target.unlink()
    target.symlink_to("/dev/full")
    with pytest.raises(RunError, match="No space left"), appending(run, "other", ["numbers"]) as appender:
        appender.append(Unit("b"), rows(2))
    target.unlink()
    target.write_bytes(kept)
    with appending(run, "numbers", ["numbers"]) as appender:
        assert appender.done == {"a"}
