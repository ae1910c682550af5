"""A GGUF file made ready to load: its network and tokenizer as an OpenVINO folder (2 s to load instead of 5 s).

`prepare` runs this module as a program, because the native reader ends the process on a corrupt file.
Invariant: a folder appears whole or not at all; its manifest lists every file with its size, so that a truncated one
is found before native code maps it.
"""

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from gtm.engines.openvino import MANIFEST
from gtm.errors import ModelError

LIBRARY = "openvino-genai"
"""Its version is part of a folder's name: another version writes and reads another network."""

TIMEOUT_SECONDS = 900.0
"""Reading a file of several gigabytes from a slow disk; the embedded default takes 7 s."""


def prepared_folder(root: Path, sha256: str) -> Path:
    """Where the folder of a GGUF with this hash belongs."""
    try:
        version = importlib.metadata.version(LIBRARY)
    except importlib.metadata.PackageNotFoundError as error:
        raise ModelError(
            f"local weights need {LIBRARY}, which is not installed; "
            "run pip install 'gtm-sim[local]' or use model='scripted'"
        ) from error
    return root / f"{sha256[:16]}-{version}"


def is_prepared(folder: Path) -> bool:
    """Whether the folder is there and each file has the size it was written with."""
    try:
        sizes = json.loads((folder / MANIFEST).read_bytes())["files"]
        return all((folder / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def prepare(source: Path, folder: Path) -> None:
    """Write the folder. Raises ModelError where the file cannot be read; OSError where it cannot be written."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".preparing-") as scratch:
        work = Path(scratch) / "work"
        work.mkdir()
        command = [sys.executable, "-m", "gtm.engines.prepare", str(source.resolve()), str(work)]
        done = subprocess.run(command, capture_output=True, timeout=TIMEOUT_SECONDS, check=False)
        if done.returncode:
            lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
            reason = lines[-1][:200] if lines else f"the reader ended with code {done.returncode}"
            raise ModelError(
                f"the weights in {str(source)!r} cannot be read ({reason}); the file is corrupt or of a kind this "
                "version does not know: fetch it again ('gtm models fetch --force') or give another GGUF"
            )
        if folder.exists():
            shutil.rmtree(folder)
        os.replace(work, folder)


def _convert(source: Path, folder: Path) -> None:
    import gguf
    import openvino_genai

    fields = gguf.GGUFReader(source).fields
    architecture = fields["general.architecture"].contents()
    context_length = int(fields[f"{architecture}.context_length"].contents())
    # The library writes what it read beside the file: a link puts that beside where it is wanted.
    link = folder / "model.gguf"
    link.symlink_to(source)
    tokenizer = openvino_genai.Tokenizer(link, enable_save_ov_model=True)
    scheduler = openvino_genai.SchedulerConfig()
    scheduler.num_kv_blocks = 8
    openvino_genai.ContinuousBatchingPipeline(
        link, tokenizer, scheduler_config=scheduler, device="CPU", enable_save_ov_model=True
    )
    link.unlink()
    files = {path.name: path.stat().st_size for path in sorted(folder.iterdir())}
    wanted = {f"openvino_{part}.{kind}" for part in ("model", "tokenizer", "detokenizer") for kind in ("xml", "bin")}
    missing = sorted(wanted - files.keys())
    if missing:
        raise ModelError(f"the library did not write {missing[0]!r}")
    manifest = {"context_length": context_length, "files": files}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")


if __name__ == "__main__":
    _convert(Path(sys.argv[1]), Path(sys.argv[2]))
