"""The `gtm` command as its users meet it: what is on stdout, what is on stderr, which exit code."""

import json
import shlex
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import httpx2
import pytest

from gtm import Simulator, load_toolset
from gtm.cli.main import main
from gtm.world.store import Store

SPECS = Path(__file__).parent.parent / "examples" / "specs"
GALAXY = str(SPECS / "galaxy.yaml")
FILES = str(SPECS / "filesystem.mcp.json")
SCRIPTED = ("--model", "scripted", "--json")


class Terminal:
    """Runs the command in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def run(self, *arguments: str) -> tuple[int, str, str]:
        try:
            code = main(arguments)
        except SystemExit as end:
            code = int(end.code or 0)
        captured = self._capsys.readouterr()
        return code, captured.out, captured.err

    def json(self, *arguments: str) -> Any:
        code, out, err = self.run(*arguments)
        assert (code, err) == (0, ""), err
        return json.loads(out)

    def refused(self, *arguments: str) -> str:
        """The one line of an input that has to be mended."""
        code, out, err = self.run(*arguments)
        assert (code, out, len(err.splitlines())) == (2, "", 1), err
        return err


@pytest.fixture
def gtm(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("GTM_HOME", str(tmp_path / "home"))
    return Terminal(capsys)


def test_inspect_shows_effects_and_gaps(gtm: Terminal) -> None:
    code, out, _ = gtm.run("inspect", GALAXY)
    assert code == 0
    assert "update planet by planetId" in out
    assert "PUT on an item path" in out
    assert out.splitlines()[-1].startswith("9 tools: ")


def test_inspect_as_json(gtm: Terminal) -> None:
    report = gtm.json("inspect", GALAXY, FILES, "--json")
    assert [toolset["kind"] for toolset in report["toolsets"]] == ["openapi", "mcp"]
    galaxy = report["toolsets"][0]
    tools = {tool["name"]: tool for tool in galaxy["tools"]}
    effect = tools["getPlanet"]["effect"]
    assert (effect["kind"], effect["resource"], effect["key"]) == ("read", "planet", ["planetId"])
    assert 0 < effect["confidence"] <= 1
    assert tools["deletePlanet"]["answer"] == "empty"
    assert galaxy["summary"]["tools"] == len(tools) == 9
    assert galaxy["summary"]["problems"] == {"relaxed": 1}


def test_inspect_tells_what_is_refused_and_derived(gtm: Terminal, tmp_path: Path) -> None:
    spec = tmp_path / "tools.json"
    good = {"name": "create_note", "parameters": {"type": "object", "properties": {"title": {"type": "string"}}}}
    spec.write_text(json.dumps([good, {"name": "search", "type": "web_search"}]))
    _, out, _ = gtm.run("inspect", str(spec))
    assert "refused: " in out
    assert "schema from its siblings" in out
    assert "1 refused" in out.splitlines()[-1]


def test_inspect_follows_the_configuration(gtm: Terminal, tmp_path: Path) -> None:
    config = tmp_path / "gtm.yaml"
    config.write_text("tools: {getMe: {effect: {kind: opaque}}}")
    report = gtm.json("inspect", GALAXY, "--json", "--config", str(config))
    tools = {tool["name"]: tool for tool in report["toolsets"][0]["tools"]}
    assert tools["getMe"]["effect"]["kind"] == "opaque"
    assert tools["getMe"]["effect"]["reason"] == "declared"


def test_call_prints_the_result(gtm: Terminal) -> None:
    result = gtm.json("call", GALAXY, "getPlanet", '{"planetId": 7}', *SCRIPTED)
    assert list(result) == ["content", "is_error", "provenance", "status", "error", "warnings"]
    assert result["content"]["id"] == 7
    assert result["provenance"]["/id"] == "argument"
    assert (result["is_error"], result["status"], result["error"]) == (False, 200, None)


def test_call_is_repeatable_and_seeded(gtm: Terminal) -> None:
    call = ("call", GALAXY, "getPlanet", '{"planetId": 7}', *SCRIPTED)
    first, again, other = gtm.json(*call), gtm.json(*call), gtm.json(*call, "--seed", "1")
    assert first == again
    assert first["content"] != other["content"]


def test_a_simulated_error_is_data(gtm: Terminal) -> None:
    code, out, err = gtm.run("call", GALAXY, "getPlanet", '{"planetId": "seven"}', "--model", "scripted")
    assert code == 0
    assert json.loads(out)["status"] == 400
    assert err == "the tool answered with an error: invalid_arguments\n"


def test_plain_output_is_the_content(gtm: Terminal) -> None:
    code, out, err = gtm.run("call", GALAXY, "getPlanet", '{"planetId": 7, "extra": 1}', "--model", "scripted")
    assert code == 0
    assert json.loads(out)["id"] == 7
    assert err == "note: unknown argument 'extra' was ignored\n"


def test_arguments_from_a_file(gtm: Terminal, tmp_path: Path) -> None:
    given = tmp_path / "arguments.json"
    given.write_text('{"planetId": 9}')
    assert gtm.json("call", GALAXY, "getPlanet", f"@{given}", *SCRIPTED)["content"]["id"] == 9


def test_arguments_from_stdin() -> None:
    command = [sys.executable, "-m", "gtm.cli.main", "call", GALAXY, "getPlanet", "-", *SCRIPTED]
    done = subprocess.run(command, input='{"planetId": 11}', capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["content"]["id"] == 11


def test_a_session_file_keeps_the_world(gtm: Terminal, tmp_path: Path) -> None:
    session = ("--session", str(tmp_path / "world.sqlite"), *SCRIPTED)
    made = gtm.json("call", GALAXY, "createPlanet", '{"name": "Kepler-22b"}', *session)
    planet = json.dumps({"planetId": made["content"]["id"]})
    read = gtm.json("call", GALAXY, "getPlanet", planet, *session)
    assert read["content"] == made["content"]
    assert read["provenance"]["/name"] == "state"
    assert gtm.json("call", GALAXY, "deletePlanet", planet, *session)["is_error"] is False
    assert gtm.json("call", GALAXY, "getPlanet", planet, *session)["error"]["kind"] == "not_found"


def test_a_session_keeps_its_seed_and_world(gtm: Terminal, tmp_path: Path) -> None:
    call = ("call", FILES, "read_file", '{"path": "/a"}', "--session", str(tmp_path / "world.sqlite"), *SCRIPTED)
    gtm.json(*call, "--seed", "3")
    gtm.json(*call)
    gtm.json(*call, "--seed", "3")
    assert "begun with seed 3, not 4" in gtm.refused(*call, "--seed", "4")
    assert "begun with world auto, not closed" in gtm.refused(*call, "--world", "closed")


def test_a_session_holds_a_world_for_each_spec_and_refuses_one_that_changed(gtm: Terminal, tmp_path: Path) -> None:
    spec = tmp_path / "galaxy.yaml"
    spec.write_text(Path(GALAXY).read_text())
    session = ("--session", str(tmp_path / "world.sqlite"), *SCRIPTED)
    call = ("call", str(spec), "getPlanet", '{"planetId": 1}', *session)
    first = gtm.json(*call)
    assert gtm.json("call", FILES, "read_file", '{"path": "/a"}', *session)["is_error"]
    spec.write_text(Path(GALAXY).read_text().replace("Get a planet", "Get one planet"))
    assert "the specs changed since" in gtm.refused(*call)
    spec.write_text(Path(GALAXY).read_text())
    assert gtm.json(*call)["content"] == first["content"]


@pytest.mark.parametrize("text", ["not json", "[]", '{"format": "gtm-session-1"}', "[" * 100_000])
def test_what_is_no_session_is_refused(gtm: Terminal, tmp_path: Path, text: str) -> None:
    path = tmp_path / "world.sqlite"
    path.write_text(text)
    gtm.refused("call", GALAXY, "getPlanet", '{"planetId": 1}', "--session", str(path), *SCRIPTED)
    assert path.read_text() == text


def test_two_processes_take_turns_in_a_session(tmp_path: Path) -> None:
    path = tmp_path / "world.sqlite"
    failures = []

    def write(number: int) -> None:
        arguments = json.dumps({"path": f"/{number}.txt", "content": str(number)})
        command = [
            sys.executable,
            "-m",
            "gtm.cli.main",
            "call",
            FILES,
            "write_file",
            arguments,
            "--session",
            str(path),
        ]
        done = subprocess.run([*command, *SCRIPTED], capture_output=True, text=True, check=False)
        if done.returncode:
            failures.append(done.stderr)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with Store(str(path)) as store, Simulator(load_toolset(FILES), model="scripted", cache=False) as simulator:
        turns = simulator.session(store=store, name="default").turns
    assert sorted(turn.call.arguments["path"] for turn in turns) == [f"/{number}.txt" for number in range(4)]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("call", GALAXY, "getPlanets", "{}"), "did you mean 'getPlanet'?"),
        (("call", GALAXY, "getPlanet", "{planetId: 1}"), "not JSON"),
        (("call", GALAXY, "getPlanet", "[1]"), "not an object"),
        (("call", GALAXY, "getPlanet", '{"planetId": NaN}'), "'NaN'"),
        (("call", GALAXY, "getPlanet", "[" * 100_000), "levels deep"),
        (("call", GALAXY, "getPlanet", "@/nowhere.json"), "cannot be read"),
        (("call", "/nowhere.yaml", "getPlanet", "{}"), "/nowhere.yaml"),
        (("call", GALAXY, "getPlanet", "{}", "--model", "gpt-1"), "'gpt-1' is no model"),
        (("call", GALAXY, "getPlanet", "{}", "--model", "/nowhere.gguf"), "not a file"),
        (("call", GALAXY, "getPlanet", "{}", "--seed", "one"), "--seed"),
        (("call", GALAXY, "getPlanet", "{}", "--session", "/nowhere/world.json"), "cannot be locked"),
        (("call", GALAXY, "getPlanet", "{}", "--config", "/nowhere.yaml"), "cannot be read"),
        (("inspect",), "SPEC"),
        (("models", "fetch", "gpt-1"), "'gpt-1'"),
        (("models", "verify"), "gtm models fetch"),
        (("nonsense",), "nonsense"),
        ((), "VERB"),
    ],
)  # fmt: skip
def test_what_has_to_be_mended_is_one_line(gtm: Terminal, arguments: tuple[str, ...], says: str) -> None:
    if arguments[:1] == ("call",) and "--model" not in arguments:
        arguments = (*arguments, "--model", "scripted")
    assert says in gtm.refused(*arguments)


def test_a_wrong_configuration_names_the_key(gtm: Terminal, tmp_path: Path) -> None:
    config = tmp_path / "gtm.yaml"
    config.write_text("sed: 1")
    assert "'sed'" in gtm.refused("inspect", GALAXY, "--config", str(config))


def test_servers_of_an_mcp_json_are_not_started_unasked(gtm: Terminal, tmp_path: Path) -> None:
    spec = tmp_path / "mcp.json"
    spec.write_text('{"mcpServers": {"evil": {"command": "touch", "args": ["/tmp/never"]}}}')
    message = gtm.refused("inspect", str(spec))
    assert "touch /tmp/never" in message
    assert "--allow-exec" in message


def test_models_are_listed(gtm: Terminal) -> None:
    [model] = gtm.json("models", "list", "--json")
    assert (model["name"], model["licence"], model["fetched"]) == ("gtm-135m", "Apache-2.0", False)
    _, out, _ = gtm.run("models", "list")
    assert "not here" in out


def test_clearing_nothing_frees_nothing(gtm: Terminal) -> None:
    assert gtm.json("models", "clear", "--json") == {"freed": 0}


def test_doctor_without_weights(gtm: Terminal) -> None:
    report = gtm.json("doctor", "--json")
    assert report["core"]["state"] == "ok"
    assert report["weights"]["state"] == "not here"
    assert "gtm models fetch" in report["weights"]["detail"]


def test_doctor_finds_corrupt_weights(gtm: Terminal, tmp_path: Path) -> None:
    weights = tmp_path / "home" / "models" / "gtm-135m" / "base.gguf"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"GGUF, they say")
    code, out, _ = gtm.run("doctor", "--json")
    assert code == 1
    assert "corrupt" in json.loads(out)["weights"]["detail"]


def test_doctor_prints_the_schema_of_the_configuration(gtm: Terminal) -> None:
    schema = gtm.json("doctor", "--schema")
    assert schema["additionalProperties"] is False
    assert {"seed", "model", "world", "faults", "tools"} <= schema["properties"].keys()


def test_help_and_version(gtm: Terminal) -> None:
    code, out, _ = gtm.run("--help")
    assert code == 0
    assert all(verb in out for verb in ("inspect", "call", "serve", "models", "doctor"))
    code, out, _ = gtm.run("--version")
    assert (code, out) == (0, "gtm 0.1.0\n")


def test_help_imports_nothing_heavy() -> None:
    code = "import sys; from gtm.cli.main import build_parser; build_parser(); print('gtm.tools' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_closed_pipe_is_no_error() -> None:
    command = f"{sys.executable} -m gtm.cli.main inspect {GALAXY} --json | true"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def serve(*arguments: str) -> subprocess.Popen[str]:
    store = () if "--store" in arguments else ("--store", "memory")
    command = [sys.executable, "-m", "gtm.cli.main", "serve", *arguments, *store, "--model", "scripted"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def until(process: subprocess.Popen[str], text: str) -> list[str]:
    """The lines on stderr up to one that holds `text`."""
    assert process.stderr is not None
    lines: list[str] = []
    for line in process.stderr:
        lines.append(line.rstrip("\n"))
        if text in line:
            return lines
    raise AssertionError("\n".join(lines))


def test_serve_prints_what_to_paste_and_stops_clean(tmp_path: Path) -> None:
    with serve(GALAXY, FILES, "--port", "0", "--episodes", str(tmp_path / "episodes")) as process:
        lines = until(process, "Ctrl-C")
        [block] = [line for line in lines if "mcpServers" in line]
        assert json.loads(block)["mcpServers"]["gtm"]["url"].endswith("/mcp")
        [curl] = [line.split()[-1] for line in lines if "curl" in line and "/planets/" in line]
        response = httpx2.get(curl, trust_env=False)
        assert (response.status_code, response.json()["id"]) == (200, int(curl.rpartition("/")[2]))
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (0, "")
    assert "Traceback" not in err
    assert list((tmp_path / "episodes").iterdir())


def test_serve_tells_a_program_where_it_is() -> None:
    with serve(GALAXY, "--port", "0", "--json") as process:
        assert process.stdout is not None
        where = json.loads(process.stdout.readline())
        assert where["url"] == f"http://127.0.0.1:{where['port']}"
        assert httpx2.get(f"{where['url']}/_gtm/health", trust_env=False).json()["status"] == "ok"
        process.terminate()
        process.communicate(timeout=20)


def test_serve_asks_for_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_TOKEN", "not-a-secret")
    with serve(GALAXY, "--port", "0", "--token-env", "MY_TOKEN") as process:
        lines = until(process, "Ctrl-C")
        [curl] = [shlex.split(line) for line in lines if "curl" in line and "/planets/" in line]
        assert "Authorization: Bearer TOKEN" in curl
        assert "not-a-secret" not in "\n".join(lines)
        assert httpx2.get(curl[1], trust_env=False).status_code == 401
        allowed = httpx2.get(curl[1], headers={"Authorization": "Bearer not-a-secret"}, trust_env=False)
        assert allowed.status_code == 200
        process.terminate()
        process.communicate(timeout=20)


def test_stdio_keeps_stdout_for_the_protocol() -> None:
    with serve(FILES, "--mcp", "stdio") as process:
        out, _ = process.communicate("", timeout=20)
    assert (process.returncode, out) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((GALAXY, "--mcp", "stdio", "--http"), "--mcp http --http"),
        ((GALAXY, "--mcp", "stdio", "--json"), "leave --json out"),
        ((GALAXY, "--token-env", "GTM_NO_SUCH_TOKEN"), "'GTM_NO_SUCH_TOKEN' is not set"),
        ((GALAXY, "--prefix", "api"), "must start with '/'"),
        ((GALAXY, "--port", "99999"), "99999 is no port"),
        ((GALAXY, "--faults", "/nowhere.yaml"), "cannot be read"),
        (("/nowhere.yaml",), "/nowhere.yaml"),
    ],
)
def test_a_server_that_cannot_start_says_why(gtm: Terminal, arguments: tuple[str, ...], says: str) -> None:
    assert says in gtm.refused("serve", *arguments, "--model", "scripted")


def test_one_configuration_for_several_toolsets(gtm: Terminal, tmp_path: Path) -> None:
    config = tmp_path / "gtm.yaml"
    config.write_text("tools: {read_file: {effect: {kind: compute}}, getMe: {effect: {kind: opaque}}}")
    report = gtm.json("inspect", GALAXY, FILES, "--json", "--config", str(config))
    kinds = {tool["name"]: tool["effect"]["kind"] for toolset in report["toolsets"] for tool in toolset["tools"]}
    assert (kinds["read_file"], kinds["getMe"]) == ("compute", "opaque")
    config.write_text("tools: {read_fil: {effect: {kind: compute}}}")
    assert "'read_fil'" in gtm.refused("inspect", GALAXY, FILES, "--config", str(config))


def test_call_explains_itself(gtm: Terminal, tmp_path: Path) -> None:
    session = ("--session", str(tmp_path / "world.db"), *SCRIPTED)
    gtm.json("call", GALAXY, "createPlanet", '{"name": "Ceres"}', *session)
    report = gtm.json("call", GALAXY, "getPlanet", '{"planetId": 1001}', "--explain", *session)["explanation"]
    assert {field["pointer"]: field["why"] for field in report["fields"]}["/name"].endswith("call 1 (createPlanet)")
    _, out, _ = gtm.run("call", GALAXY, "getPlanet", '{"planetId": 1}', "--explain", "--model", "scripted")
    assert "plan: read on 'planet' by planetId" in out
