"""Ctrl-C: once asks to stop, twice quits, and afterwards all is as before."""

import signal

import pytest

from ppl.cli.interrupt import Interrupt


def test_the_first_asks_and_the_second_quits() -> None:
    told: list[str] = []
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), Interrupt(lambda: told.append("stopping")) as interrupt:
        assert not interrupt.asked()
        signal.raise_signal(signal.SIGINT)
        assert interrupt.asked() and told == ["stopping"]
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before and told == ["stopping"]
