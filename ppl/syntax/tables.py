"""The LALR tables: built from the grammar once, and then read from the user's cache."""

import contextlib
import hashlib
import os
import pickle
import sys
import tempfile
from functools import cache
from pathlib import Path

import lark

from ppl.syntax.lines import LineEnds

# What reading a damaged pickle may raise: whatever its bytes happen to mean.
_DAMAGED = (
    OSError, pickle.PickleError, EOFError, AttributeError, ImportError, LookupError, TypeError, ValueError,
    AssertionError, MemoryError,
)  # fmt: skip
_PACKAGE = Path(__file__).resolve().parent.parent
_PLACES = (_PACKAGE / "_grammar" / "ppl.lark", _PACKAGE.parent / "grammar" / "ppl.lark")


def grammar_path() -> Path:
    """The grammar of an installed package, or else that of the checkout."""
    return next((place for place in _PLACES if place.is_file()), _PLACES[-1])


@cache
def parser() -> lark.Lark:
    """The parser. Building it takes half a second, reading its tables a twentieth: hence the cache, which may be
    absent, unreadable or damaged without harm."""
    grammar = grammar_path().read_text(encoding="utf-8")
    place = _cache_file(grammar)
    return _load(place) or _save(_build(grammar), place)


def _build(grammar: str) -> lark.Lark:
    return lark.Lark(grammar, parser="lalr", propagate_positions=True, maybe_placeholders=True, postlex=LineEnds())


def _cache_file(grammar: str) -> Path:
    version = f"{lark.__version__} {sys.version_info[:2]} {grammar}"
    return cache_directory() / f"grammar-{hashlib.sha256(version.encode()).hexdigest()[:16]}.pickle"


def cache_directory() -> Path:
    """Where this user's caches live, by the custom of the system."""
    for name in ("PPL_CACHE_DIR", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        if os.environ.get(name):
            return Path(os.environ[name]) / ("" if name.startswith("PPL") else "ppl")
    return Path(os.path.expanduser("~")) / ".cache" / "ppl"


def _load(place: Path) -> lark.Lark | None:
    try:
        with place.open("rb") as file:
            return lark.Lark.load(file)
    except _DAMAGED:
        return None


def _save(built: lark.Lark, place: Path) -> lark.Lark:
    with contextlib.suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=place.parent, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                built.save(file)
            os.replace(name, place)
        except OSError:
            os.unlink(name)
            raise
    return built
