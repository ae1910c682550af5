"""The stage `sources`: the collection without duplicates, by family, with the recorded sessions of each.

One unit is one family: its tools (`sources`), under names that are unique in it and with a domain of the taxonomy,
and its part of every recorded session (`recordings`). What is a duplicate of what is decided once, by the index
(`gtm.carg.index`); no step holds more than one family in memory.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from pydantic import Field

from gtm.carg.folder import RunFolder
from gtm.carg.index import build, holdings, unplaced
from gtm.carg.read import Found, Heard, Spec
from gtm.carg.records import Entry, Recording, parse_lines, to_line
from gtm.carg.stage import Done, Progress, Span, Unit
from gtm.carg.taxonomy import domains_of
from gtm.carg.teacher import Teacher
from gtm.tools.gather import Gathering
from gtm.types import Frozen, Json


class SourcesConfig(Frozen):
    """Its section of the recipe; paths start from the data folder."""

    catalogs: tuple[str, ...] = ("tools/*.jsonl.gz",)
    """Collections of tools: files, or patterns of them."""
    recordings: tuple[str, ...] = ("calls/*.jsonl.gz",)
    """Recorded sessions with the tools of the collections."""
    specs: tuple[Spec, ...] = ()
    """Anything that `gtm inspect` reads, or a folder of it."""
    near: float = Field(default=0.95, ge=0, le=1)
    """From which similarity on a tool of the same name is a duplicate; 0 leaves the search out."""
    fresh: tuple[str, ...] = ("getmoto/moto",)
    """Recorders (as the recordings' `source` begins) whose sessions each start in an empty world."""


class SourcesStage:
    """Families of kept tools, each with its recordings."""

    name = "sources"
    files: tuple[str, ...] = ("sources", "recordings")

    def prepare(self, folder: RunFolder, teacher: Teacher, tell: Progress) -> dict[str, Json]:
        """Decide what is a duplicate of what."""
        build(folder, folder.recipe.sources.near)
        return {}

    def units(self, folder: RunFolder) -> Iterator[Unit]:
        """One a family, in the order of their first tools."""
        loose = Counter(unplaced(folder))
        for holding in holdings(folder):
            dropped = Counter({f"dropped/{why}": number for why, number in holding.dropped.items()})
            given = {
                "tools": _joined(holding.tools),
                "sessions": _joined(holding.sessions),
                "aliases": holding.aliases,
                "counts": dict(dropped + loose),
            }
            loose.clear()
            yield Unit(holding.family, given=given)

    def work(self, folder: RunFolder, unit: Unit) -> Done:
        """Give a family's tools their names and domains, and cut its part out of the recorded sessions."""
        done = Done()
        done.counts.update(unit.given["counts"])
        found = [one for span in unit.given["tools"] for one in parse_lines(Found, folder.read("read", span))]
        ids: dict[str, str] = {}
        for entry in _entries(unit.name, found, unit.given["aliases"]):
            done.add("sources", to_line(entry))
            done.counts["tools"] += 1
            done.counts[f"domain/{entry.domain}"] += 1
            ids |= dict.fromkeys((entry.id, *entry.aliases), entry.id)
        for span in unit.given["sessions"]:
            for heard in parse_lines(Heard, folder.read("recorded", span)):
                recording = _part(heard, unit.name, ids, folder.recipe.sources.fresh)
                done.add("recordings", to_line(recording))
                done.counts["recordings"] += 1
                done.counts["recorded_calls"] += len(recording.calls)
        done.counts["families"] += 1
        return done


def _entries(family: str, found: list[Found], aliases: Mapping[str, list[str]]) -> Iterator[Entry]:
    gathering = Gathering("catalog", family)
    domains = domains_of(family, [(one.entry.tool, one.topic) for one in found])
    for one, domain in zip(found, domains, strict=True):
        gathering.add(one.entry.tool)
        yield one.entry.model_copy(
            update={"tool": gathering.tools[-1], "domain": domain, "aliases": tuple(aliases.get(one.entry.id, ()))}
        )


def _part(heard: Heard, family: str, ids: Mapping[str, str], fresh: tuple[str, ...]) -> Recording:
    """The calls of one family, in order, each by the id of the tool that was kept."""
    return Recording(
        id=f"{heard.id}@{family}",
        family=family,
        source=heard.source,
        origin=heard.origin,
        licence=heard.licence,
        initial=heard.initial,
        fresh=heard.initial is not None or heard.origin.startswith(fresh),
        calls=tuple(call.model_copy(update={"tool": ids[call.tool]}) for call in heard.calls if call.tool in ids),
    )


def _joined(spans: Iterable[Span]) -> list[Span]:
    """Neighbouring spans as one: a family's lines mostly stand together."""
    joined: list[Span] = []
    for start, end in spans:
        if joined and joined[-1][1] == start:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined
