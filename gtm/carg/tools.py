"""The stage `tools`: synthesized tools where a domain of the taxonomy has too few real ones.

One unit is one thin domain, whose new tools are one family, `synthetic/GROUP/DOMAIN`. The teacher is asked in the
first process only, question after question until the domain has enough or its questions are used up; each unit then
walks the same questions over the kept answers. Without a teacher there are no units, and the manifest says how many
domains stayed thin.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator

from pydantic import Field

from gtm.carg.folder import RunFolder, write_whole
from gtm.carg.proposals import Refused, Subject, accept, proposals, request
from gtm.carg.records import Entry, to_line
from gtm.carg.stage import Done, Progress, Unit
from gtm.carg.taxonomy import UNKNOWN, terms_of
from gtm.carg.teacher import Answers, Asking, Teacher, TeacherSilent
from gtm.engines.base import Engine
from gtm.errors import ConfigError, RunError
from gtm.tools.catalog import split
from gtm.types import Frozen, Json, Tool


class ToolsConfig(Frozen):
    """Its section of the recipe."""

    per_domain: int = Field(default=20, ge=0)
    """Tools that every domain should have."""
    domains: tuple[str, ...] = ()
    """Groups or domains (`engineering`, `engineering/robotics`) to which this is limited; empty: all."""
    per_request: int = Field(default=4, ge=1, le=8)
    """Tools that are asked for at once."""
    spare: float = Field(default=2.0, ge=1)
    """Proposals that are asked for, in multiples of what a domain lacks: not all can be used."""
    neighbours: int = Field(default=8, ge=0)
    """Real tools that are shown with a question, at most."""
    licence: str = "Apache-2.0"
    """Of what the teacher writes: its model's terms decide."""


class ToolsStage:
    """Asks for tools, checks what comes."""

    name = "tools"
    files: tuple[str, ...] = ("tools",)

    def prepare(self, folder: RunFolder, teacher: Teacher, tell: Progress) -> dict[str, Json]:
        """Find the thin domains, and ask the teacher about each."""
        path = folder.path / "tools.subjects.jsonl"
        if not path.exists():
            write_whole(path, b"".join(to_line(subject) for subject in _subjects(folder)))
        subjects = list(_read(folder))
        counts: Counter[str] = Counter()
        if folder.recipe.teacher.name != "none" and teacher.engine is not None:
            counts = asyncio.run(_ask(folder, teacher, subjects, tell))
        return {
            "thin_domains": len(subjects),
            "tools_missing": sum(subject.missing for subject in subjects),
            "teacher": folder.recipe.teacher.name,
            "asked": dict(sorted(counts.items())),
        }

    def units(self, folder: RunFolder) -> Iterator[Unit]:
        """One a thin domain; none without a teacher."""
        if folder.recipe.teacher.name != "none":
            for subject in _read(folder):
                yield Unit(f"synthetic/{subject.domain}", given=subject.model_dump(mode="json"))

    def work(self, folder: RunFolder, unit: Unit) -> Done:
        """The accepted tools of one domain."""
        done = Done()
        subject = Subject.model_validate(unit.given)
        answers = Answers(folder)
        try:
            accepted = asyncio.run(_walk(answers, subject, folder.recipe.tools, done.counts))
        finally:
            answers.close()
        licence = folder.recipe.tools.licence
        for tool in accepted:
            entry = Entry(
                id=tool.source,
                family=tool.domain,
                split=split(tool.domain),
                domain=subject.domain,
                source="teacher",
                licence=licence,
                tool=tool.model_copy(update={"licence": licence}),
            )
            done.add("tools", to_line(entry))
        done.counts["tools"] += len(accepted)
        done.counts[f"before/{subject.domain}"] = subject.has
        done.counts[f"after/{subject.domain}"] = subject.has + len(accepted)
        done.counts["domains_filled"] += len(accepted) >= subject.missing
        return done


async def _ask(folder: RunFolder, teacher: Teacher, subjects: list[Subject], tell: Progress) -> Counter[str]:
    """Walk all subjects with a model that may be asked, several at a time."""
    assert teacher.engine is not None
    asking = Asking(folder, teacher.engine)
    gate = asyncio.Semaphore(teacher.concurrency)
    ready = 0

    async def one(subject: Subject) -> None:
        nonlocal ready
        async with gate:
            await _walk(asking, subject, folder.recipe.tools, Counter())
        ready += 1
        tell(ready, len(subjects))

    try:
        async with asyncio.TaskGroup() as group:
            for subject in subjects:
                group.create_task(one(subject))
    except* RunError as errors:
        raise errors.exceptions[0] from None
    finally:
        await asking.aclose()
    return asking.counts


async def _walk(engine: Engine, subject: Subject, config: ToolsConfig, counts: Counter[str]) -> list[Tool]:
    """Question after question until there are enough tools, with the same questions for the same answers."""
    accepted: list[Tool] = []
    for number in range(round(subject.missing * config.spare / config.per_request) + 1):
        try:
            [answer] = await engine.generate([request(subject, number, accepted, config.per_request)])
            given = proposals(answer.text)
        except TeacherSilent:
            counts["silent"] += 1
            continue
        except Refused as refused:
            counts[f"dropped/{refused.reason}"] += 1
            continue
        for proposal in given:
            try:
                tool, repaired = accept(proposal, subject, accepted)
            except Refused as refused:
                counts[f"dropped/{refused.reason}"] += 1
                continue
            accepted.append(tool)
            counts.update(f"repaired/{what}" for what in repaired)
            if len(accepted) == subject.missing:
                return accepted
    return accepted


def _subjects(folder: RunFolder) -> Iterator[Subject]:
    """The domains with too few tools, in the order of the taxonomy, with the first real tools near them."""
    config = folder.recipe.tools
    has = _coverage(folder)
    wanted = {domain for domain in terms_of() if {domain, domain.partition("/")[0]} & set(config.domains)}
    if len(config.domains) > 0 and not wanted:
        raise ConfigError(f"the recipe's tools.domains {list(config.domains)!r} are not in gtm/carg/taxonomy.json")
    thin = [domain for domain in terms_of() if domain != UNKNOWN and has[domain] < config.per_domain]
    thin = [domain for domain in thin if not config.domains or domain in wanted]
    own: dict[str, list[Tool]] = {domain: [] for domain in thin}
    near: dict[str, list[Tool]] = {domain.partition("/")[0]: [] for domain in thin}
    for entry in folder.every(Entry, "sources", "sources") if thin else ():
        for found in (own.get(entry.domain), near.get(entry.domain.partition("/")[0])):
            if found is not None and len(found) < config.neighbours:
                found.append(entry.tool)
    for domain in thin:
        shown = [*own[domain], *(tool for tool in near[domain.partition("/")[0]] if tool not in own[domain])]
        yield Subject(
            domain=domain,
            terms=terms_of()[domain],
            has=has[domain],
            missing=config.per_domain - has[domain],
            neighbours=tuple(_short(tool) for tool in shown[: config.neighbours]),
        )


def _short(tool: Tool) -> Tool:
    return tool.model_copy(update={"examples": (), "http": None, "problems": ()})


def _coverage(folder: RunFolder) -> Counter[str]:
    counts = json.loads(folder.manifest("sources").read_bytes())["counts"]
    return Counter(
        {key.removeprefix("domain/"): number for key, number in counts.items() if key.startswith("domain/")}
    )


def _read(folder: RunFolder) -> Iterator[Subject]:
    with (folder.path / "tools.subjects.jsonl").open("rb") as file:
        for line in file:
            yield Subject.model_validate_json(line)
