"""Writing recordings: secrets stay out, what was cut is mended, one at a time."""

import json
from pathlib import Path

import pytest

from gtm.errors import SessionError
from gtm.simulator.cassette import read_turns
from gtm.simulator.config import Config
from gtm.simulator.recorder import Recorder
from gtm.simulator.scrub import Scrubber
from gtm.simulator.simulator import Simulator
from gtm.types import Json, Result, Tool, Toolset

TOOL = Tool(
    name="login",
    parameters={
        "type": "object",
        "properties": {
            "user": {"type": "string"},
            "password": {"type": "string"},
            "pin": {"type": "string", "writeOnly": True},
            "badge": {"type": "string"},
        },
    },
)
TOOLSET = Toolset(name="door", kind="openai", tools=(TOOL,))
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"


def answer(content: Json) -> Result:
    return Result(content=content, text=content if isinstance(content, str) else json.dumps(content))


def test_no_secret_reaches_the_disk_and_the_call_is_found_again(tmp_path: Path) -> None:
    tape = tmp_path / "tape.jsonl"
    arguments = {"user": "ada", "password": "hunter2", "pin": "4711", "badge": "B-99"}
    content = {"token": JWT, "note": f"Bearer {JWT}", "links": ["https://ada:hunter2@host/x?api_key=abc123"]}
    with Recorder(tape, TOOLSET, Scrubber(["badge"])) as recorder:
        recorder.keep(TOOL, arguments, answer(content))
        recorder.keep(TOOL, {"user": "bob"}, answer('{"access_token": "s3cr3t-value", "ok": true}'))
        recorder.keep(TOOL, {"user": "eve"}, answer("password=hunter2 and ghp_0123456789abcdefghij0123"))
    text = tape.read_text()
    for secret in ("hunter2", "4711", "B-99", JWT, "abc123", "s3cr3t-value", "ghp_0123"):
        assert secret not in text
    config = Config.parse({"cassette": {"file": str(tape)}})
    with Simulator(TOOLSET, model="scripted", config=config, cache=False) as sim, sim.session() as session:
        played = session.call("login", {**arguments, "password": "another"})
        assert played.content["note"] == "Bearer [redacted]"
        assert session.call("login", {"user": "bob"}).content == {"access_token": "[redacted]", "ok": True}


@pytest.mark.parametrize(
    "text",
    [
        "the password must have 8 characters",
        '{"secretary": "Ada", "nextPageToken": "abc"}',
        "https://host/path?page=2",
        "token economics",
        "sketch_of_a_long_name_here",
    ],
)
def test_what_is_no_secret_is_kept(text: str) -> None:
    assert Scrubber().text(text) == text


def test_scrubbing_twice_changes_nothing() -> None:
    scrubber = Scrubber()
    once = scrubber.text(f"Authorization: Bearer {JWT}; password=abcdef; https://a:b@host/?token=x")
    assert "[redacted]" in once and scrubber.text(once) == once


def test_a_cut_last_line_is_removed_and_nothing_before_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    tape = tmp_path / "tape.jsonl"
    with Recorder(tape, TOOLSET, Scrubber()) as recorder:
        recorder.keep(TOOL, {"user": "ada"}, answer("one"))
        recorder.keep(TOOL, {"user": "bob"}, answer("two"))
    whole = tape.read_bytes()
    tape.write_bytes(whole[:-20])
    with Recorder(tape, TOOLSET, Scrubber()) as recorder:
        recorder.keep(TOOL, {"user": "eve"}, answer("three"))
    assert "cut off" in caplog.text
    assert [turn.result.content for _, turn in read_turns(tape)] == ["one", "three"]
    assert tape.read_bytes().startswith(whole.splitlines(keepends=True)[0])


def test_two_recordings_to_one_file_are_refused(tmp_path: Path) -> None:
    tape = tmp_path / "tape.jsonl"
    with (
        Recorder(tape, TOOLSET, Scrubber()),
        pytest.raises(SessionError, match="being recorded to by another process"),
    ):
        Recorder(tape, TOOLSET, Scrubber())
    assert not tape.exists()


def test_another_file_is_left_as_it_is(tmp_path: Path) -> None:
    other = tmp_path / "diary.txt"
    other.write_text("dear diary")
    with pytest.raises(SessionError, match="is not an Episode file"):
        Recorder(other, TOOLSET, Scrubber())
    assert other.read_text() == "dear diary"
    with pytest.raises(SessionError, match="cannot be written"):
        Recorder(tmp_path / "no" / "such.jsonl", TOOLSET, Scrubber())
