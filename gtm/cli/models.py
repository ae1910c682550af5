"""gtm models: list, fetch, check or remove weights.

What a model is, where its weights come from and how they are checked is in `gtm.engines.models`.
"""

import argparse
import dataclasses
from collections.abc import Callable

from gtm.cli.terminal import Progress, say, show, show_json, table

MEGABYTE = 1_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's own verbs."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    known = actions.add_parser("list", help="the models that have a name, and whether their weights are here")
    fetch = actions.add_parser("fetch", help="download, check and prepare weights; print their path")
    fetch.add_argument("--force", action="store_true", help="do it again, even where they are here")
    verify = actions.add_parser("verify", help="read all of the weights and compare their hash; print their path")
    clear = actions.add_parser("clear", help="delete all weights of the cache folder (GTM_HOME)")
    for action in (fetch, verify):
        action.add_argument("name", nargs="?", metavar="NAME", help="a name of gtm models list (default: gtm-135m)")
    for action in (known, fetch, verify, clear):
        action.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked."""
    return _ACTIONS[arguments.action](arguments)


def _list(arguments: argparse.Namespace) -> int:
    from gtm.engines.models import list_models

    infos = list_models()
    if arguments.json:
        show_json([dataclasses.asdict(info) for info in infos])
        return 0
    rows = [
        (info.name, f"{info.size // MEGABYTE} MB" if info.fetched else "not here", info.licence, info.description)
        for info in infos
    ]
    show(table(("MODEL", "WEIGHTS", "LICENCE", "WHAT"), rows))
    return 0


def _fetch(arguments: argparse.Namespace) -> int:
    from gtm.engines.models import DEFAULT_MODEL, fetch

    progress = Progress()
    try:
        path = fetch(arguments.name or DEFAULT_MODEL, progress, force=arguments.force)
    finally:
        progress.close()
    _show_path(str(path), arguments)
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    from gtm.engines.models import DEFAULT_MODEL, verify

    _show_path(str(verify(arguments.name or DEFAULT_MODEL)), arguments)
    return 0


def _clear(arguments: argparse.Namespace) -> int:
    from gtm.engines.models import clear

    freed = clear()
    if arguments.json:
        show_json({"freed": freed})
    else:
        say(f"{freed // MEGABYTE} MB freed")
    return 0


def _show_path(path: str, arguments: argparse.Namespace) -> None:
    if arguments.json:
        show_json({"path": path})
    else:
        show(path)


_ACTIONS: dict[str, Callable[[argparse.Namespace], int]] = {
    "list": _list,
    "fetch": _fetch,
    "verify": _verify,
    "clear": _clear,
}
