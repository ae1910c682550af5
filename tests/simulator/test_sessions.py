"""Sessions of a store: they go on where they were, in this process or another, and answer as those in memory do."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from gtm.engines.base import Completion, Engine, Request
from gtm.engines.scripted import ScriptedEngine
from gtm.errors import EngineError, SessionError, SessionGone, StoreError, ToolsetChanged
from gtm.simulator.config import Config
from gtm.simulator.session import Session
from gtm.simulator.simulator import Simulator
from gtm.types import Toolset
from gtm.world.store import Store
from tests.postgres import Postgres
from tests.samples import notes, pets
from tests.simulator.test_calls import CALLS


def simulator(toolset: Toolset | None = None, model: str | Engine = "scripted", **config: object) -> Simulator:
    return Simulator(toolset or pets(), model=model, config=Config.parse(config), cache=False)


@pytest.fixture
def file(tmp_path: Path) -> str:
    return str(tmp_path / "s.sqlite")


@pytest.fixture
def store(file: str) -> Iterator[Store]:
    with Store(file) as opened:
        yield opened


def same(one: Session, other: Session) -> bool:
    return (one.episode.comparable(), one.state()) == (other.episode.comparable(), other.state())


def create(session: Session, name: str = "Rex") -> int:
    return int(session.call("createPet", {"name": name}).content["id"])


def name_of(session: Session, key: int) -> str | None:
    answer = session.call("getPet", {"petId": key})
    return None if answer.is_error else str(answer.content["name"])


def test_a_session_goes_on_in_another_process_as_it_would_have_in_memory(file: str) -> None:
    one, memory = simulator(), simulator().session(seed=3)
    for name, arguments in CALLS:
        memory.call(name, arguments)
        with Store(file) as store:
            one.session(store=store, name="a", seed=3).call(name, arguments)
    with Store(file) as store:
        again = one.session(store=store, name="a")
        assert same(again, memory)
        assert again.snapshot().history == memory.snapshot().history
        assert again.snapshot().before.dump() == memory.snapshot().before.dump()
        memory.observe("getPet", {"petId": 77}, {"id": 77, "name": "Ada"})
        again.observe("getPet", {"petId": 77}, {"id": 77, "name": "Ada"})
        assert same(one.session(store=store, name="a"), memory)


def test_branches_are_what_they_are_in_memory(store: Store) -> None:
    one = simulator(world="closed")
    session, memory = one.session(store=store, name="a"), one.session()
    for each in (session, memory):
        first = create(each, "first")
        before = each.snapshot()
        second = create(each, "second")
        each.advance(60)
        forked = each.fork()
        create(forked, "third")
        each.restore(before)
        assert (name_of(each, first), name_of(each, second)) == ("first", None)
        each.set_faults([{"kind": "forbidden", "on_call": [4]}])
        assert name_of(each, first) is None
        each.restore(forked.snapshot())
        assert name_of(each, second) == "second"
    assert same(session, memory)
    assert same(one.session(store=store, name="a"), memory)
    session.reset(9)
    assert one.session(store=store, name="a").seed == 9
    session.restore(before)
    assert same(one.session(store=store, name="a"), one.session()) is False
    assert name_of(one.session(store=store, name="a"), first) == "first"


def test_a_fork_with_a_name_lasts(store: Store) -> None:
    one = simulator(world="closed")
    session = one.session(store=store, name="a")
    key = create(session)
    session.fork("b").call("deletePet", {"petId": key})
    assert name_of(session, key) == "Rex"
    assert name_of(one.session(store=store, name="b"), key) is None
    with pytest.raises(SessionError, match="already"):
        session.fork("b")
    store.delete("a")
    assert name_of(one.session(store=store, name="b"), key) is None
    with pytest.raises(SessionGone, match="deleted"):
        session.refresh()


def test_a_portable_session_comes_into_a_store(store: Store) -> None:
    one = simulator(world="closed")
    memory = one.session(seed=4)
    key = create(memory)
    session = one.session(store=store, name="a")
    session.restore(one.load_session(memory.dump()).snapshot())
    again = one.session(store=store, name="a")
    assert same(again, memory)
    assert (name_of(again, key), again.seed) == ("Rex", 4)


def test_what_a_session_was_begun_with_stays(store: Store) -> None:
    one = simulator()
    one.session(store=store, name="a", seed=3, faults=[{"kind": "timeout", "on_call": [2]}])
    session = one.session(store=store, name="a")
    assert (session.seed, len(session.snapshot().faults)) == (3, 1)
    with pytest.raises(SessionError, match="begun with seed 3, not 4"):
        one.session(store=store, name="a", seed=4)
    with pytest.raises(SessionError, match="begun with world auto, not open"):
        one.session(store=store, name="a", world="open")
    with pytest.raises(SessionError, match="other faults"):
        one.session(store=store, name="a", faults=[])
    for name in ("", "a b", "x" * 129):
        with pytest.raises(SessionError, match="cannot name"):
            one.session(store=store, name=name)


def test_other_definitions_of_the_same_tools_are_refused_and_others_are_a_world_of_their_own(store: Store) -> None:
    session = simulator().session(store=store, name="a")
    key = create(session)
    with pytest.raises(ToolsetChanged, match="the specs changed since"):
        simulator(pets().model_copy(update={"notes": "new"})).session(store=store, name="a")
    assert simulator(notes()).session(store=store, name="a").turns == ()
    assert name_of(simulator().session(store=store, name="a"), key) == "Rex"


class _Failing:
    """An engine that fails when told to."""

    name = "failing"
    fails = False

    async def generate(self, requests: Sequence[Request]) -> list[Completion]:
        if self.fails:
            raise EngineError("no")
        return await ScriptedEngine().generate(requests)

    async def aclose(self) -> None:
        pass


def test_a_failed_call_leaves_nothing(store: Store) -> None:
    engine = _Failing()
    one = simulator(model=engine)
    session = one.session(store=store, name="a")
    session.call("getPet", {"petId": 1})
    engine.fails = True
    with pytest.raises(EngineError):
        session.call("getPet", {"petId": 2})
    assert len(one.session(store=store, name="a").turns) == len(session.turns) == 1


async def test_a_cancelled_call_is_there_whole_or_not_at_all(store: Store) -> None:
    one = simulator()
    session = one.session(store=store, name="a")
    for delay in (0.0, 0.001, 0.002, 0.003, 0.004):
        task = asyncio.create_task(session.acall("createPet", {"name": "x"}))
        await asyncio.sleep(delay)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await session.acall("createPet", {"name": "last"})
    again = one.session(store=store, name="a")
    assert same(again, session)
    documents = sum(len(c["documents"]) for c in dict(again.state()).values())
    assert documents == len(again.turns)


async def test_two_holders_of_one_session_lose_nothing(store: Store) -> None:
    one = simulator(world="closed")
    holders = [one.session(store=store, name="a") for _ in range(3)]
    made = await asyncio.gather(*(holders[n % 3].acall("createPet", {"name": f"pet {n}"}) for n in range(30)))
    assert len({result.content["id"] for result in made}) == 30
    names = {pet.content["name"] for pet in made}
    assert {turn.call.arguments["name"] for turn in one.session(store=store, name="a").turns} == names


def test_a_reset_during_a_call_drops_the_call(store: Store) -> None:
    def answer(request: Request) -> object:
        session.reset()
        return {"status": "sold", "tags": ["a"]}

    session = simulator(model=ScriptedEngine(answer)).session(store=store, name="a")
    with pytest.raises(SessionError, match="reset or restored"):
        session.call("createPet", {"name": "Rex"})
    assert (session.turns, session.state()) == ((), {})


@pytest.mark.parametrize("lasts", [False, True])
def test_one_session_may_be_used_from_several_loops(lasts: bool, store: Store) -> None:
    one = simulator()
    session = one.session(store=store, name="a") if lasts else one.session()
    failures: list[BaseException] = []

    async def work() -> None:
        await asyncio.gather(*(session.acall("createPet", {"name": "x"}) for _ in range(20)))

    def run() -> None:
        try:
            asyncio.run(work())
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(session.turns) == 80
    assert len({turn.result.content["id"] for turn in session.turns}) == 80


async def test_who_waits_for_a_session_and_gives_up_is_skipped() -> None:
    session = simulator().session()
    tasks = [asyncio.create_task(session.acall("createPet", {"name": str(n)})) for n in range(10)]
    await asyncio.sleep(0)
    for task in tasks[1:9]:
        task.cancel()
    await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 5)
    await asyncio.wait_for(session.acall("createPet", {"name": "after"}), 5)
    assert [turn.call.arguments["name"] for turn in session.turns][-1] == "after"


@pytest.mark.timeout(120)
def test_a_database_that_goes_away_is_told_and_comes_back(postgres: Postgres) -> None:
    one = simulator(world="closed")

    def answer(request: Request) -> object:
        if stops:
            stops.pop()
            postgres.stop()
        return {}

    stops: list[int] = []
    with Store(postgres.url) as store:
        session = one.session(store=store, name="gone")
        key = create(session)
        other = simulator(model=ScriptedEngine(answer), world="open").session(store=store, name="mid")
        stops.append(1)
        with pytest.raises(StoreError, match="see that it runs") as caught:
            other.call("getPet", {"petId": 5})
        assert "secret-word" not in str(caught.value)
        with pytest.raises(StoreError):
            session.call("getPet", {"petId": key})
        postgres.start()
        assert name_of(session, key) == "Rex"
        assert other.call("getPet", {"petId": 5}).is_error is False
        assert len(other.turns) == 1
        assert same(one.session(store=store, name="gone"), session)
