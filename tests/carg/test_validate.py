from pathlib import Path

import pytest

from gtm.carg.check import CheckStage
from gtm.carg.curate import CurateConfig, CurateStage
from gtm.carg.folder import RunFolder
from gtm.carg.validate import validate
from gtm.errors import RunError
from tests.carg.made import DEV, TEST, TRAIN, Asked, carried_out, life, run, run_folder, told


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    sessions = [life(f"l{n}", family, seed=n) for family in (*TRAIN, DEV, TEST) for n in range(2)]
    sessions.append(carried_out("w", TRAIN[0], [Asked("get_pet", {"petId": "x"}, "wrong", "type", True)]))
    sessions.append(told("r", TRAIN[0], [("get_pet", {"petId": 3}, {"id": 3, "mail": "ada@lovelace.org"})]))
    folder = run_folder(tmp_path, sessions, CurateConfig(errors=(0, 1)))
    run(folder, CheckStage(), CurateStage())
    return folder


def test_what_curate_writes_passes(folder: RunFolder) -> None:
    findings = validate(folder)
    assert findings.fine, list(findings.lines())
    assert findings.passed["replay"] == 11
    assert findings.passed["prompt"] == len(folder.rows("curate").read_bytes().splitlines())


@pytest.mark.parametrize(
    ("check", "old", "new"),
    [
        ("origin", b'"licence":"CC0-1.0"', b'"licence":""'),
        ("origin", b'"split":"dev"', b'"split":"test"'),
        ("schema", b'"status":"sold","note"', b'"status":"lost","note"'),
        ("outcome", b'"expect_error":true', b'"expect_error":false'),
        ("echo", b'"arguments":{"petId":1001,"status":"sold"}', b'"arguments":{"petId":1001,"status":"gone"}'),
        ("prompt", b'"target":"{', b'"target":"['),
        ("order", b'"step":1,', b'"step":7,'),
        ("replay", b'"world":"auto"', b'"world":"open"'),
    ],
)
def test_each_check_can_fail(folder: RunFolder, check: str, old: bytes, new: bytes) -> None:
    file = folder.rows("curate" if check != "replay" else "responses")
    whole = file.read_bytes()
    if check == "replay":
        old, new = b'"seed":1', b'"seed":8'
    assert old in whole
    changed = whole.replace(old, new)
    padded = _same_spans(whole, changed, folder, file.stem)
    file.write_bytes(padded)
    findings = validate(folder)
    assert findings.failed[check], list(findings.lines())
    assert any(line.startswith(f"{check}: ") for line in findings.shown)


def _same_spans(whole: bytes, changed: bytes, folder: RunFolder, stage: str) -> bytes:
    """The changed lines, each as long as it was: a journal says where units are."""
    lines = []
    for before, after in zip(whole.splitlines(), changed.splitlines(), strict=True):
        assert len(after) <= len(before) + 200
        lines.append(after)
    _rewrite_journal(folder, stage, whole.splitlines(), lines)
    return b"".join(line + b"\n" for line in lines)


def _rewrite_journal(folder: RunFolder, stage: str, before: list[bytes], after: list[bytes]) -> None:
    import json

    ends = {0: 0}
    old = new = 0
    for left, right in zip(before, after, strict=True):
        old, new = old + len(left) + 1, new + len(right) + 1
        ends[old] = new
    notes = []
    for line in folder.journal(stage).read_text().splitlines():
        note = json.loads(line)
        note["spans"] = {file: [ends[start], ends[end]] for file, (start, end) in note["spans"].items()}
        notes.append(json.dumps(note))
    folder.journal(stage).write_text("".join(f"{note}\n" for note in notes))


def test_near_duplicates_between_splits_and_rows_twice_are_found(tmp_path: Path) -> None:
    said = {"text": " ".join(f"word{n}" for n in range(60))}
    sessions = [told(f"r {family}", family, [("get_pet", {"petId": 1}, said)]) for family in (TRAIN[0], TEST)]
    folder = run_folder(tmp_path, sessions, CurateConfig(errors=(0, 1), near=0))
    run(folder, CheckStage(), CurateStage())
    assert validate(folder).failed["near"] == 1


def test_a_run_without_rows_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="run the stage 'curate' first"):
        validate(run_folder(tmp_path, [life("a", TRAIN[0])]))
