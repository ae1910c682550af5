"""Exceptions, one per boundary that can fail.

A simulated tool error is a normal `Result` and a malformed generation is a recorded outcome: neither is here.
What is here stopped the work: the message names the cause and the next step in one line, and the CLI prints it
as it stands.
"""


class GtmError(Exception):
    """The root of every exception this package raises on purpose."""


class SpecError(GtmError):
    """A tool definition (file, URL or value) cannot be read or understood."""


class ConfigError(GtmError):
    """`gtm.yaml`, a fault policy or an option is wrong."""


class ExpressionError(GtmError):
    """An expression of `gtm.yaml` has no value for what a call gave it."""


class ModelError(GtmError):
    """Weights are missing, corrupt, unreachable or cannot be written."""


class EngineError(GtmError):
    """The engine that writes text failed, timed out or could not be reached."""


class JudgeError(GtmError):
    """A judge gave none of the verdicts it was asked to choose from."""


class GenerationForbidden(EngineError):
    """Generation by a real model was asked for while it is switched off (see `gtm.engines.base`)."""


class SessionError(GtmError):
    """A session name, snapshot or saved session cannot be used here."""


class ToolsetChanged(SessionError):
    """A stored session was made with other definitions than those it is now used with."""


class SessionGone(SessionError):
    """A stored session was deleted while somebody still held it."""


class StoreError(GtmError):
    """The store that keeps sessions cannot be opened, read or written."""


class LimitError(GtmError):
    """A size limit of a session, a call or a server was reached."""


class RunError(GtmError):
    """A run's folder is of another recipe, damaged, in use, or cannot be written."""
