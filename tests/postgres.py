"""A PostgreSQL server of its own on a free loopback port, for tests and recipes; gone at the end."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

USER = "postgres"
"""Who runs it where this process is root: PostgreSQL refuses to be."""

START_SECONDS = 60

OPTIONS = ("-c", "fsync=off", "-c", "max_connections=200")
"""What was committed survives the end of the server's processes, not that of the machine."""


class Missing(Exception):
    """PostgreSQL is not installed here, or does not start."""


class Postgres:
    """`with Postgres() as server:`; `server.url` is a store's URL."""

    def __init__(self) -> None:
        installed = sorted(Path("/usr/lib/postgresql").glob("*/bin")) if Path("/usr/lib/postgresql").is_dir() else []
        found = shutil.which("initdb")
        if not installed and found is None:
            raise Missing("PostgreSQL is not installed; install the package 'postgresql'")
        self._programs = installed[-1] if installed else Path(str(found)).parent
        self._folder = Path(tempfile.mkdtemp(prefix="gtm-postgres-"))
        self._data = self._folder / "data"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Of its one database."""
        return f"postgresql://{USER}:secret-word@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Take connections."""
        command = [
            *(str(self._programs / "postgres"), "-D", str(self._data), "-p", str(self.port)),
            *("-k", str(self._folder), "-c", "listen_addresses=127.0.0.1", *OPTIONS),
        ]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(self._as_user(command), stdout=log, stderr=log)
        until = time.monotonic() + START_SECONDS
        ready = [str(self._programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        while subprocess.run(ready, check=False).returncode:
            if time.monotonic() > until or self._process.poll() is not None:
                raise Missing((self._folder / "log").read_text(errors="replace")[-1000:])
            time.sleep(0.05)

    def stop(self) -> None:
        """Break all connections and end, as a crash would."""
        if self._process is not None:
            pid = int((self._data / "postmaster.pid").read_text().splitlines()[0])
            os.kill(pid, signal.SIGQUIT)
            self._process.wait(30)
            self._process = None

    def _as_user(self, command: list[str]) -> list[str]:
        return ["runuser", "-u", USER, "--", *command] if os.geteuid() == 0 else command

    def __enter__(self) -> Self:
        if os.geteuid() == 0:
            shutil.chown(self._folder, USER, USER)
        init = [str(self._programs / "initdb"), "-D", str(self._data), "-A", "trust", "-U", USER, "--no-sync"]
        done = subprocess.run(self._as_user(init), capture_output=True, text=True, check=False, cwd="/")
        if done.returncode:
            raise Missing(done.stderr[-1000:])
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)
