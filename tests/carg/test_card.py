import json
from pathlib import Path

import pytest
import yaml

from gtm import Episode
from gtm.carg.card import CardStage, publish
from gtm.carg.check import CheckStage
from gtm.carg.curate import CurateConfig, CurateStage
from gtm.carg.export import ExportStage
from gtm.carg.folder import RunFolder
from gtm.carg.records import Row
from gtm.carg.show import sample_rows
from gtm.errors import RunError
from tests.carg.made import DEV, TEST, TRAIN, Asked, carried_out, life, run, run_folder, told


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    sessions = [life(f"l {family}", family) for family in (TRAIN[0], DEV, TEST)]
    wrong = Asked("get_pet", {"petId": "x"}, "wrong", "type", True)
    sessions += [carried_out("w", TRAIN[0], [wrong]), carried_out("v", TRAIN[0], [wrong, wrong, wrong, wrong])]
    sessions.append(told("r", TRAIN[0], [("get_pet", {"petId": 3}, {"id": 3, "mail": "ada@lovelace.org"})]))
    folder = run_folder(tmp_path_factory.mktemp("run"), sessions, CurateConfig(errors=(0, 1), near=0))
    run(folder, CheckStage(), CurateStage(), ExportStage(), CardStage())
    return folder


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_manifest_says_what_is_in_the_files(folder: RunFolder) -> None:
    dataset = folder.path / "dataset"
    manifest = json.loads((dataset / "manifest.json").read_bytes())
    exported = {split: lines(dataset / "data" / f"{split}.jsonl") for split in ("train", "dev", "test")}
    assert manifest["splits"] == {split: len(rows) for split, rows in exported.items()}
    assert manifest["rows"] == 20
    assert (manifest["tools"], manifest["tools_with_rows"]) == (15, 15)
    assert (manifest["real_rows"], manifest["teacher_rows"]) == (1, 0)
    assert (manifest["sessions"], manifest["recorded_sessions"], manifest["all_sessions"]) == (3, 0, 5)
    assert manifest["error_share"] == 0.2
    assert manifest["config_digest"] == folder.recipe.digest
    assert manifest["dropped"] == {"duplicate/code": 4}
    assert manifest["masked"]["email"] > 0


def test_a_row_holds_the_prompt_the_answer_and_the_tool_that_was_called(folder: RunFolder) -> None:
    rows = lines(folder.path / "dataset" / "data" / "train.jsonl")
    wrote = {row["meta"]["id"]: row for row in rows}  # type: ignore[index]
    for one in folder.every(Row, "curate", "curate"):
        if one.split != "train" or one.repeat:
            continue
        row = json.loads(json.dumps(wrote[one.id]))
        written = one.call.written
        assert row["messages"][-1]["role"] == "assistant"
        assert row["messages"][-1]["content"] == (written.target if written else one.call.result.text)
        assert row["messages"][0]["role"] == "system"
        assert row["meta"]["written_by"] == ("model" if written else "code")
        assert row["tools"][0]["function"]["name"] == one.call.tool
        assert row["meta"]["license"] == "CC0-1.0"
        if not written and one.step:
            assert "Earlier: " in row["messages"][-2]["content"]


def test_parquet_holds_the_same_rows_with_json_texts(folder: RunFolder) -> None:
    import pyarrow.parquet as pq

    data = folder.path / "dataset" / "data"
    for split in ("train", "dev", "test"):
        read = pq.read_table(data / f"{split}.parquet").to_pylist()
        again = [{**row, "tools": json.loads(row["tools"]), "meta": json.loads(row["meta"])} for row in read]
        assert again == lines(data / f"{split}.jsonl")


def test_episodes_hold_whole_sessions(folder: RunFolder) -> None:
    episodes = Episode.read((folder.path / "dataset" / "episodes" / "dev.jsonl").read_text().splitlines())
    assert [[turn.call.tool for turn in episode.turns] for episode in episodes] == [
        ["create_pet", "get_pet", "update_pet", "list_pets", "delete_pet", "get_pet"]
    ]
    real = Episode.read((folder.path / "dataset" / "episodes" / "train.jsonl").read_text().splitlines())[-1]
    assert real.turns[0].observed
    assert real.model == "http_recorded"


def test_the_card_has_front_matter_that_names_licences_sizes_and_files(folder: RunFolder) -> None:
    text = (folder.path / "dataset" / "README.md").read_text()
    _, front, body = text.split("---\n", 2)
    said = yaml.safe_load(front)
    assert said["license"] == ["cc0-1.0"]
    assert said["size_categories"] == ["n<1K"]
    paths = [file["path"] for file in said["configs"][0]["data_files"]]
    assert all((folder.path / "dataset" / path).is_file() for path in paths)
    assert "## Known gaps" in body
    assert "| commerce/pet_shops | 15 | 20 | 1 | 4 |" in body
    for picture in ("target_tokens", "prompt_tokens", "steps", "groups"):
        assert (folder.path / "dataset" / "pictures" / f"{picture}.png").read_bytes().startswith(b"\x89PNG")


def test_publishing_again_writes_the_same(folder: RunFolder, tmp_path: Path) -> None:
    publish(folder, tmp_path)
    for file in ("README.md", "manifest.json", "data/train.parquet", "pictures/kind.png"):
        assert (tmp_path / file).read_bytes() == (folder.path / "dataset" / file).read_bytes()


def test_nothing_to_publish_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="run the stage 'export' first"):
        publish(run_folder(tmp_path, []), tmp_path / "dataset")


def test_a_sample_is_spread_over_kinds_and_can_be_chosen_by_labels(folder: RunFolder) -> None:
    sample = list(sample_rows(folder, 3))
    assert len(sample) == 3
    assert [
        kind for kind in ("recorded", "session", "wrong") if not any(f"kind={kind} " in text for text in sample)
    ] == []
    assert list(sample_rows(folder, 3)) == sample
    wrong = list(sample_rows(folder, 5, 1, {"refusal": "type"}))
    assert len(wrong) == 1
    assert "must be an integer" in wrong[0]


def test_a_label_that_rows_do_not_have_is_one_clear_error(folder: RunFolder) -> None:
    with pytest.raises(RunError, match=r"'colour'.*kind, source"):
        list(sample_rows(folder, 1, 0, {"colour": "red"}))
