"""What may have been meant by a name that does not exist."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

_NO_ALIASES: Mapping[str, str] = MappingProxyType({})


def did_you_mean(word: str, candidates: Iterable[str], aliases: Mapping[str, str] = _NO_ALIASES) -> str | None:
    """The candidate that `word` stands for: by the alias table, else the same name in another case, else the nearest
    by edit distance, if it is near for a word of that length. An alias counts only where it leads to a candidate."""
    names = tuple(dict.fromkeys(candidates))
    return _by_alias(word, names, aliases) or _by_case(word, names) or _by_distance(word, names)


def _by_alias(word: str, names: tuple[str, ...], aliases: Mapping[str, str]) -> str | None:
    meant = aliases.get(word) or aliases.get(word.lower())
    return meant if meant in names else None


def _by_case(word: str, names: tuple[str, ...]) -> str | None:
    return next((name for name in names if name != word and _plain(name) == _plain(word)), None)


def _plain(name: str) -> str:
    return name.casefold().replace("_", "")


def _by_distance(word: str, names: tuple[str, ...]) -> str | None:
    near = [(distance(_plain(word), _plain(name)), position) for position, name in enumerate(names) if name != word]
    best = min(near, default=None)
    if best is None or best[0] > allowed(len(word)):
        return None
    return names[best[1]]


def allowed(length: int) -> int:
    """How many edits may lie between a word of this length and what it means. None for one or two letters: with them,
    everything is near everything, and a wrong guess is worse than none."""
    return 0 if length < 3 else 1 if length < 6 else 2 if length < 11 else 3


def distance(a: str, b: str) -> int:
    """Insertions, deletions, replacements and swaps of neighbours that lead from `a` to `b` (optimal string alignment:
    Damerau 1964, restricted so that no part is edited twice)."""
    before: list[int] = []
    above = list(range(len(b) + 1))
    for i, letter in enumerate(a, 1):
        row = [i]
        for j, other in enumerate(b, 1):
            best = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (letter != other))
            swapped = i > 1 and j > 1 and letter == b[j - 2] and a[i - 2] == other
            row.append(min(best, before[j - 2] + 1) if swapped else best)
        before, above = above, row
    return above[-1]
