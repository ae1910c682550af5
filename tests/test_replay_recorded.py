"""The replay of recorded sessions: its labels and counts, on sessions written here and on a sample of real ones."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from gtm.types import Json

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "tests" / "data" / "recorded_sample.jsonl.gz"
MOTO = "getmoto/moto tests"
KEYED = {"type": "object", "properties": {"TopicArn": {"type": "string"}}, "required": ["TopicArn"]}
NAMED = {
    "type": "object",
    "properties": {"Name": {"type": "string"}, "Owner": {"type": "string"}},
    "required": ["Name"],
}
TOPIC = {
    "type": "object",
    "properties": {"TopicArn": {"type": "string"}, "Name": {"type": "string"}, "Owner": {"type": "string"}},
    "required": ["TopicArn", "Name", "Owner"],
}


def tool(name: str, http: str, parameters: Json, output: Json = None) -> Json:
    identity = {"id": f"aws:sns:{name}", "source": "made here", "licence": "MIT", "domain": "aws/sns", "name": name}
    return {**identity, "http": http, "parameters": parameters, "output_schema": output}


TOOLS = [
    tool("CreateTopic", "POST /topics", NAMED, TOPIC),
    tool("GetTopic", "GET /topics/{TopicArn}", KEYED, TOPIC),
    tool("DeleteTopic", "DELETE /topics/{TopicArn}", KEYED),
]
ARN = "arn:aws:sns:us-east-1:123456789012:alerts-91"


def turn(name: str, arguments: Json, response: Json, *, is_error: bool = False) -> Json:
    return {"tool": f"aws:sns:{name}", "arguments": arguments, "response": response, "is_error": is_error}


def absent(arn: str) -> Json:
    return turn("GetTopic", {"TopicArn": arn}, {"Error": {"Code": "NotFound", "Message": "gone"}}, is_error=True)


MADE = turn("CreateTopic", {"Name": "alerts", "Owner": "ada"}, {"TopicArn": ARN, "Name": "alerts", "Owner": "ada"})
READ = turn("GetTopic", {"TopicArn": ARN}, {"TopicArn": ARN, "Name": "alerts", "Owner": "ada"})
REMOVED = turn("DeleteTopic", {"TopicArn": ARN}, None)


def written(folder: Path, *sessions: list[Json], source: str = MOTO) -> Path:
    lines = [
        {"id": f"session {index}", "source": source, "licence": "MIT", "domain": "aws/sns", "session": session}
        for index, session in enumerate(sessions)
    ]
    path = folder / "made.jsonl.gz"
    path.write_bytes(gzip.compress("".join(json.dumps(line) + "\n" for line in [*TOOLS, *lines]).encode()))
    return path


def replay(sample: Path, folder: Path, *arguments: str) -> Json:
    out = folder / "figures.json"
    command = [sys.executable, str(ROOT / "recipes" / "replay_recorded.py"), "--sample", str(sample)]
    done = subprocess.run([*command, "--out", str(out), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(out.read_text(encoding="utf-8"))


def test_ids_are_replaced_and_a_deleted_thing_is_recalled(tmp_path: Path) -> None:
    told = replay(written(tmp_path, [MADE, READ, REMOVED, absent(ARN)]), tmp_path)["figures"]["all"]
    assert told["by_kind"] == {"deleted": {"n": 1, "recall": 100.0}}
    assert (told["valid"], told["false_errors"], told["agreement"]) == (3, 0.0, 100.0)
    assert (told["always_success_agreement"], told["always_error_agreement"]) == (75.0, 25.0)
    assert told["fields"] == 2
    assert told["fields_equal"] == 100.0


def test_what_was_never_seen_is_explained_only_where_the_start_is_known(tmp_path: Path) -> None:
    session = [MADE, absent("arn:aws:sns:us-east-1:123456789012:other-17")]
    fresh = replay(written(tmp_path, session), tmp_path)["figures"]["all"]
    assert fresh["by_kind"] == {"never_seen": {"n": 1, "recall": 100.0}}
    unknown = replay(written(tmp_path, session, source="somewhere"), tmp_path)["figures"]["all"]
    assert unknown["by_kind"].keys() == {"unexplained not_found"}
    assert unknown["explained"] == 0


def test_a_success_that_the_definition_refuses_is_counted_apart(tmp_path: Path) -> None:
    odd = turn("CreateTopic", {"Name": 7}, {"TopicArn": ARN, "Name": "7", "Owner": "ada"})
    told = replay(written(tmp_path, [MADE, odd]), tmp_path)["figures"]["all"]
    assert (told["false_errors"], told["false_by_definition"], told["false_by_own_ids"]) == (50.0, 50.0, 0.0)


def test_teacher_forcing_shows_the_recorded_ids_to_the_world(tmp_path: Path) -> None:
    told = replay(written(tmp_path, [MADE, READ, REMOVED, absent(ARN)]), tmp_path, "--teacher-forced")
    assert told["figures"]["all"]["agreement"] == 100.0
    assert told["figures"]["all"]["fields_equal"] == 100.0


def test_real_sessions_are_replayed_the_same_way_twice(tmp_path: Path) -> None:
    told = replay(SAMPLE, tmp_path)
    figures = told["figures"]["all"]
    kinds = {name: kind["n"] for name, kind in figures["by_kind"].items() if not name.startswith("unexplained")}
    assert kinds == {"deleted": 10, "exists": 8, "never_made": 5, "never_seen": 17}
    assert figures["valid"] == 205
    assert figures["recall"] >= 70
    assert replay(SAMPLE, tmp_path) == told


@pytest.mark.parametrize("arguments", [[], ["--data", "nowhere"]])
def test_no_data_is_said_in_one_line(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GTM_DATA", raising=False)
    command = [sys.executable, str(ROOT / "recipes" / "replay_recorded.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("no data: ")
    assert done.stdout == ""
