"""Plans of what really happened: recorded sessions as they were, and documented calls that can be trusted."""

from collections.abc import Iterator, Mapping, Sequence

from gtm.carg.records import Documented, Entry, Plan, Recording, Step
from gtm.carg.values import GOOD_ARGUMENTS
from gtm.types import digest
from gtm.world.services import seed_of


def numbered(plan: Plan) -> Plan:
    """The plan with the id that its content has."""
    content = plan.model_dump(mode="json", exclude={"id"}, exclude_defaults=True)
    return plan.model_copy(update={"id": digest(content)[:20]})


def recorded_plans(
    entries: Sequence[Entry], recordings: Sequence[Recording], seed: int, lost: Mapping[str, int] | None = None
) -> Iterator[Plan]:
    """A plan for each recorded session, all calls in order; those of tools that were dropped are left out."""
    names = {known: entry.tool.name for entry in entries for known in (*entry.aliases, entry.id)}
    for recording in recordings:
        steps = tuple(
            Step(
                tool=names[call.tool],
                arguments=call.arguments,
                kind="recorded",
                expect_error=call.is_error,
                response=call.response,
                is_error=call.is_error,
                status=call.status,
                trimmed=call.trimmed,
            )
            for call in recording.calls
            if call.tool in names
        )
        if steps:
            yield numbered(
                Plan(
                    id="",
                    family=recording.family,
                    source=recording.source,
                    licence=recording.licence,
                    real=True,
                    seed=seed_of(seed, "recorded", recording.id),
                    world="closed" if recording.fresh else "auto",
                    steps=steps,
                )
            )


def documented_plans(entry: Entry, seed: int) -> Iterator[Plan]:
    """A plan of one call for each documented example whose arguments and answer belong together."""
    for at, example in enumerate(entry.documented):
        if is_trusted(example):
            step = Step(
                tool=entry.tool.name,
                arguments=example.arguments,
                kind="documented",
                expect_error=example.is_error,
                response=example.response,
                is_error=example.is_error,
            )
            yield numbered(
                Plan(
                    id="",
                    family=entry.family,
                    source=entry.source,
                    licence=entry.licence,
                    real=True,
                    seed=seed_of(seed, "documented", entry.id, at),
                    steps=(step,),
                )
            )


def is_trusted(example: Documented) -> bool:
    """Whether a documented call is one that was, or could have been, made and answered so."""
    whole = example.args_from in GOOD_ARGUMENTS and example.args_valid and not example.trimmed
    return whole and example.response not in (None, "", {}, [])
