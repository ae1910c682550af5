"""The `gtm` command's entry: reads the arguments, runs a verb, turns its outcome into an exit code.

Keeps the contract of every verb: stdout carries data only, everything for people goes to stderr; 0 done (a simulated
error is data), 1 a gate failed, 2 an input has to be mended (one line says which), 130 interrupted. A verb imports
what it needs when it runs, so that help is instant.
"""

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import NoReturn

from gtm.cli import call, carg, doctor, eval, inspect, models, record, serve
from gtm.cli.terminal import leave_pipe, say
from gtm.errors import GtmError

MEND, INTERRUPTED = 2, 130

DISTRIBUTION = "gtm-sim"

VERBS = {
    "inspect": inspect,
    "call": call,
    "serve": serve,
    "record": record,
    "carg": carg,
    "eval": eval,
    "models": models,
    "doctor": doctor,
}


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, without the usage above it."""

    def error(self, message: str) -> NoReturn:
        say(f"{self.prog}: {message}; see {self.prog} --help")
        self.exit(MEND)


class _Version(argparse.Action):
    """Reads the version only when asked: looking a distribution up takes longer than all of `gtm --help`."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        print(f"gtm {version(DISTRIBUTION)}")
        parser.exit()


def build_parser() -> argparse.ArgumentParser:
    """The parser of all verbs; `docs/cli.md` is made from it."""
    parser = _Parser(prog="gtm", description="Simulate any tool for AI agents.")
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for name, module in VERBS.items():
        about = (module.__doc__ or "").partition("\n")[0].partition(": ")[2].rstrip(".")
        verb = verbs.add_parser(name, help=about, description=f"{about[:1].upper()}{about[1:]}.")
        module.add_arguments(verb)
        verb.set_defaults(run=module.run)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit code."""
    try:
        arguments = build_parser().parse_args(argv)
        code: int = arguments.run(arguments)
        sys.stdout.flush()
        return code
    except GtmError as error:
        say(f"gtm: {' '.join(str(error).split())}")
        return MEND
    except KeyboardInterrupt:
        say("gtm: interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        return leave_pipe()


if __name__ == "__main__":
    sys.exit(main())
