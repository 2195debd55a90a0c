"""How many threads the command lets the matrix products take."""

import os

import pytest

from ppl.cli.main import THREADS, main


@pytest.mark.parametrize("told", [None, "4"])
@pytest.mark.parametrize("name", THREADS)
def test_one_thread_unless_the_user_says_otherwise(name, told, monkeypatch):
    monkeypatch.setattr("sys.argv", ["ppl", "--version"])
    monkeypatch.delenv(name, raising=False)
    if told:
        monkeypatch.setenv(name, told)
    with pytest.raises(SystemExit):
        main()
    assert os.environ[name] == (told or "1")
