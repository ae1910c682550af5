"""The fixture `gtm`, in test runs of its own: alone, recording, and in parallel."""

import sys
from pathlib import Path

import pytest

import gtm.simulator.simulator  # noqa: F401 - a run inside this process must not load compiled modules twice

pytest_plugins = ["pytester"]

SERVER = str(Path(__file__).parents[1] / "data" / "notes_server.py")
SPEC = Path(__file__).parents[2] / "examples" / "specs" / "petstore.yaml"
TOOLS = """
[{"name": "add", "description": "Add a note.", "input_schema": {"type": "object",
  "properties": {"note_id": {"type": "string"}, "text": {"type": "string"}}, "required": ["note_id", "text"]}},
 {"name": "get", "description": "Get a note.", "input_schema": {"type": "object",
  "properties": {"note_id": {"type": "string"}}, "required": ["note_id"]}}]
"""
LOADED = ("-p", "gtm.adapters.pytest_plugin", "-p", "no:cacheprovider")


def run(pytester: pytest.Pytester, *words: str) -> pytest.RunResult:
    """Pytest with our plugin alone; in a process of its own where it has workers."""
    if "xdist" in words:
        return pytester.runpytest_subprocess(*LOADED, *words)
    return pytester.runpytest_inprocess(*LOADED, *words)


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A folder with a spec in it."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.path.joinpath("petstore.yaml").write_text(SPEC.read_text())
    pytester.path.joinpath("tools.json").write_text(TOOLS)
    return pytester


def test_two_lines_to_a_stateful_fake(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest

        def test_state(gtm):
            notes = gtm("tools.json")
            notes.call("add", {"note_id": "a", "text": "Milk"})
            assert notes.call("get", {"note_id": "a"}).content["text"] == "Milk"

        @pytest.mark.parametrize("seed", [1, 1])
        def test_pins_and_seeds(gtm, seed):
            pins = {"getPetById": [{"when": {"petId": 7}, "is_error": True, "result": "no such pet", "status": 404}]}
            shop = gtm("petstore.yaml", seed=seed, pin=pins)
            assert shop.call("getPetById", {"petId": 7}).status == 404
            assert not shop.call("getPetById", {"petId": 8}).is_error
            assert shop.seed == 1

        def test_two_fakes(gtm):
            one, two = gtm("petstore.yaml"), gtm([{"name": "ping", "description": "", "input_schema": {}}])
            assert not two.call("ping").is_error
            assert one.turns == ()

        async def run(session):
            return (await session.acall("getInventory")).is_error

        def test_async(gtm):
            import asyncio
            assert asyncio.run(run(gtm("petstore.yaml"))) is False
        """
    )
    run(project).assert_outcomes(passed=5)
    assert not project.path.joinpath("cassettes").exists()


def test_a_recording_is_played_and_a_miss_fails_the_test(project: pytest.Pytester) -> None:
    body = """
        def test_note(gtm):
            notes = gtm("tools.json")
            notes.call("add", {{"note_id": "a", "text": "{text}"}})
            assert notes.call("get", {{"note_id": "a"}}).content["text"] == "{text}"
        """
    project.makepyfile(test_notes=body.format(text="one"))
    run(project, "--gtm-record", "once").assert_outcomes(passed=1)
    tape = project.path / "cassettes" / "test_notes" / "test_note.jsonl"
    before = tape.read_text()
    assert before.count("\n") == 3
    run(project).assert_outcomes(passed=1)
    project.makepyfile(test_notes=body.format(text="two"))
    failed = run(project)
    failed.assert_outcomes(failed=1)
    failed.stdout.fnmatch_lines(['*CassetteMiss: no recording answers \'add\'*text: recorded "one", given "two"*'])
    assert tape.read_text() == before
    run(project, "--gtm-record", "new_episodes").assert_outcomes(passed=1)
    run(project).assert_outcomes(passed=1)
    run(project, "--gtm-record", "all").assert_outcomes(passed=1)
    assert "one" not in tape.read_text()


def test_workers_write_a_file_for_each_test(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_many="""
        import pytest

        @pytest.mark.parametrize("name", [f"n/{number}" for number in range(8)])
        def test_note(gtm, name):
            notes = gtm("tools.json")
            notes.call("add", {"note_id": name, "text": "x"})
            assert notes.call("get", {"note_id": name}).content["text"] == "x"
        """
    )
    run(project, "-p", "xdist", "-n", "2", "--gtm-record", "once").assert_outcomes(passed=8)
    tapes = list((project.path / "cassettes" / "test_many").iterdir())
    assert len(tapes) == 8 and all(tape.read_text().count("\n") == 3 for tape in tapes)
    run(project).assert_outcomes(passed=8)


def test_real_tools_are_asked_only_when_recording(project: pytest.Pytester) -> None:
    spec = '{"tools": [{"name": "create_note", "inputSchema": {"type": "object"}}]}'
    project.path.joinpath("notes.json").write_text(spec)
    command = f"{sys.executable} {SERVER}"
    source = f"""
        def test_note(gtm):
            notes = gtm("notes.json", real={command!r})
            assert notes.call("create_note", {{"title": "Milk", "api_key": "k"}}).content["id"] == "n1"
        """
    project.makepyfile(test_real=source)
    refused = run(project)
    refused.assert_outcomes(failed=1)
    refused.stdout.fnmatch_lines(["*is not recorded yet; run pytest --gtm-record once*"])
    run(project, "--gtm-record", "once").assert_outcomes(passed=1)
    project.makepyfile(test_real=source.replace(SERVER, "gone.py"))
    run(project).assert_outcomes(passed=1)


def test_what_would_need_a_network_fails_and_says_so(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GTM_HOME", str(project.path / "empty"))
    project.makepyfile(
        """
        def test_url(gtm):
            gtm("https://example.com/spec.yaml")

        def test_weights(gtm):
            gtm("tools.json", model="gtm-135m")

        def test_absent(gtm):
            gtm("absent.yaml")
        """
    )
    result = run(project)
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(
        ["*tests are offline*", "*run: gtm models fetch gtm-135m*", "*neither beside the test*"]
    )
