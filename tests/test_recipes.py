"""Recipes that prove a promise, reduced: they run, they print JSON, and they fail where the promise is broken."""

import json
import subprocess
import sys
from pathlib import Path

from gtm.types import Json

RECIPES = Path(__file__).parent.parent / "recipes"


def run(name: str, *arguments: str) -> Json:
    command = [sys.executable, str(RECIPES / name), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:] + done.stdout[-2000:]
    return json.loads(done.stdout)


def test_recorded_episodes_repeat_byte_for_byte_in_new_processes() -> None:
    report = run("check_replay.py", "--episodes", "30", "--steps", "6")
    for key in ("1_at_a_time", "32_at_a_time"):
        assert (report[key]["episodes"], report[key]["differing"]) == (30, 0)
        assert report[key]["calls"] > 100
