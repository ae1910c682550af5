"""All sessions of a server, by name.

In memory the least recently used idle session is dropped at `max_sessions`; who comes back for it is told so (410)
and never finds an empty world under an old name; `default` stays. With a store a session that is dropped here comes
back from there.
"""

import asyncio
import logging
from collections import OrderedDict
from dataclasses import replace

from gtm.errors import ConfigError, SessionError
from gtm.serve.directory import Directory
from gtm.serve.lasting import LastingSession, start_value
from gtm.serve.options import ServeOptions
from gtm.serve.problems import Refused
from gtm.serve.sessions import ServedSession, Start, check_name
from gtm.types import Json

DEFAULT = "default"
"""The session of callers who name none."""

MAX_FORGOTTEN = 100_000
"""Names of dropped sessions that are remembered."""

log = logging.getLogger(__name__)


class Registry:
    """The sessions."""

    def __init__(self, directory: Directory, options: ServeOptions) -> None:
        self.directory = directory
        self.store = options.store
        self._options = options
        self._sessions: OrderedDict[str, ServedSession] = OrderedDict()
        self._forgotten: OrderedDict[str, None] = OrderedDict()
        self._said_default = False
        if options.episodes_dir is not None:
            try:
                options.episodes_dir.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise ConfigError(
                    f"the folder {str(options.episodes_dir)!r} for Episodes cannot be made: {error.strerror}"
                ) from None

    def __len__(self) -> int:
        return len(self._sessions)

    async def all(self) -> list[dict[str, Json]]:
        """What is told of every session, least recently used first."""
        if self.store is None:
            return [await session.told() for session in tuple(self._sessions.values())]
        known = await asyncio.to_thread(self.store.known)
        teller = LastingSession(self.store, "", self.directory, Start(), None)
        return [teller.of(session) for session in known]

    def open(self, name: str) -> ServedSession:
        """The session, made where there is none yet. Raises Refused (400, 410, 503)."""
        session = self._sessions.get(name)
        if session is None:
            if name in self._forgotten:
                message = f"session {name!r} was dropped, the least recently used; create it anew or use another name"
                raise Refused(410, message)
            return self._add(check_name(name), Start(self._options.seed))
        self._sessions.move_to_end(name)
        return session

    def fallback(self) -> ServedSession:
        """The shared session of callers who name none."""
        if not self._said_default:
            self._said_default = True
            log.warning("a caller named no session: it shares the session %r with all such callers", DEFAULT)
        return self.open(DEFAULT)

    async def get(self, name: str) -> ServedSession:
        """The session. Raises Refused (404) where there is none."""
        known = check_name(name) in self._sessions
        if self.store is not None:
            known = await asyncio.to_thread(self.store.start, name) is not None
        if not known:
            raise Refused(404, f"there is no session {name!r}; POST it to /_gtm/sessions, or call a tool in it")
        return self.open(name)

    async def create(self, name: str | None, start: Start) -> ServedSession:
        """A new session. Raises Refused (409) where it exists."""
        start = self._checked(start)
        if name is not None:
            if not await self._claim(check_name(name), start):
                raise Refused(409, f"session {name!r} exists; reset or delete it, or use another name")
            return self._add(name, start)
        number = len(self) + 1
        while not await self._claim(f"session-{number}", start):
            number += 1
        return self._add(f"session-{number}", start)

    async def fork(self, session: ServedSession, name: str | None) -> ServedSession:
        """A new session that goes on from another. Raises Refused (409) where it exists."""
        other = await self.create(name, session.start)
        await session.fork(other)
        return other

    async def drop(self, name: str) -> None:
        """Delete a session. Raises Refused (404) where there is none."""
        await self.get(name)
        if self.store is not None:
            await asyncio.to_thread(self.store.delete, name)
        self._sessions.pop(name, None)

    async def _claim(self, name: str, start: Start) -> bool:
        """Take a name; False where it is taken."""
        if self.store is not None:
            value = start_value(start, self.directory.labels)
            return await asyncio.to_thread(self.store.create, name, value)
        self._forgotten.pop(name, None)
        return name not in self._sessions

    def _add(self, name: str, start: Start) -> ServedSession:
        while len(self._sessions) >= self._options.max_sessions:
            self._evict()
        given = (name, self.directory, start, self._options.episodes_dir)
        session = ServedSession(*given) if self.store is None else LastingSession(self.store, *given)
        self._sessions[name] = session
        return session

    def _evict(self) -> None:
        for name, session in self._sessions.items():
            if session.users == 0 and (name != DEFAULT or self.store is not None):
                del self._sessions[name]
                if self.store is None:
                    self._forget(name)
                return
        raise Refused(503, f"all {self._options.max_sessions} sessions are busy; try again later")

    def _forget(self, name: str) -> None:
        self._forgotten[name] = None
        if len(self._forgotten) > MAX_FORGOTTEN:
            self._forgotten.popitem(last=False)
        log.info("session %r was dropped: %d is the most there may be", name, self._options.max_sessions)

    def _checked(self, start: Start) -> Start:
        """Every rule must fit a tool somewhere; a seed that is not given is the server's."""
        simulators = self.directory.simulators
        toolsets = [s.toolset for index, s in enumerate(simulators) if start.only in (None, index)]
        for rule in start.faults or ():
            errors = []
            for toolset in toolsets:
                try:
                    rule.check_tools(toolset)
                except ConfigError as error:
                    errors.append(error)
            if len(errors) == len(toolsets):
                raise SessionError(str(errors[0]))
        return replace(start, seed=self._options.seed) if start.seed is None else start
