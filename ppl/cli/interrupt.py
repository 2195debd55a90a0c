"""Ctrl-C: once asks the fit to stop, twice quits."""

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType


class Interrupt:
    """A context in which the first SIGINT is remembered and told to `warn`, and the second raises KeyboardInterrupt."""

    def __init__(self, warn: Callable[[], None]) -> None:
        self._warn = warn
        self._asked = False
        self._before: object = None

    def asked(self) -> bool:
        """Whether to stop."""
        return self._asked

    def __enter__(self) -> "Interrupt":
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)  # type: ignore[arg-type]

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._asked:
            raise KeyboardInterrupt
        self._asked = True
        self._warn()
