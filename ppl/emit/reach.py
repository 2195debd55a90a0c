"""What values depend on."""

from collections.abc import Callable, Container, Iterable

from ppl.emit.val import Val


def below(root: Val, goes_on: Callable[[Val], bool]) -> set[Val]:
    """The values that a value depends on, itself among them, as far as `goes_on` holds."""
    seen: set[Val] = set()
    stack = [root]
    while stack:
        v = stack.pop()
        if v not in seen:
            seen.add(v)
            stack.extend(a for a in v.args if goes_on(a))
    return seen


def dependents(roots: Iterable[Val], leaves: Container[Val], ends: Iterable[Val] = ()) -> set[Val]:
    """The values on a path from the leaves to a root; `ends` are on one, and what they depend on is not looked at."""
    known: dict[Val, bool] = dict.fromkeys(ends, True)
    stack = list(roots)
    while stack:
        v = stack[-1]
        if v in known:
            stack.pop()
        elif waiting := [a for a in v.args if a not in known]:
            stack.extend(waiting)
        else:
            known[v] = v in leaves or any(known[a] for a in v.args)
            stack.pop()
    return {v for v, on in known.items() if on}
