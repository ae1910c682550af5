"""Work for the tests of runners: picklable, so it lies in a module of its own."""

import os
import signal
import time
from pathlib import Path

from gtm.carg.stage import Done, Unit


def square(unit: Unit) -> Done:
    """Its number squared, one row; uneven in time, so that later units finish first."""
    number = int(unit.name)
    time.sleep(0.02 if number % 7 == 0 else 0)
    done = Done()
    done.add("squares", b"%d\n" % (number * number))
    done.counts["rows"] += 1
    return done


def die_once(unit: Unit) -> Done:
    """As `square`, but the process that gets unit 5 first is killed."""
    mark = Path(unit.given)
    if unit.name == "5" and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return square(unit)


def refuse(unit: Unit) -> Done:
    """Raises for unit 3."""
    if unit.name == "3":
        raise ValueError("three")
    return square(unit)
