"""From the text of a program to its functions on some data."""

from collections.abc import Callable, MutableMapping
from types import CodeType
from typing import Protocol

import numpy as np

from ppl.emit.inputs import Inputs
from ppl.source.diagnostic import ModelError, complain

Callables = tuple[Callable[..., object], ...]
Make = Callable[[Inputs, dict[str, np.int64]], Callables]


class Text(Protocol):
    """Whatever was emitted."""

    @property
    def text(self) -> str: ...


def compiled(emitted: Text) -> CodeType:
    """The code of a program, compiled once for all data."""
    return compile(emitted.text, "<program>", "exec")


def loaded(emitted: Text, code: CodeType | None = None) -> Make:
    """What makes the functions of a program for its data; `code` is its text where that is compiled already."""
    scope: dict[str, Make] = {}
    exec(code or compiled(emitted), scope)
    return scope["program"]


def functions_of(make: Make, inputs: Inputs, sizes: MutableMapping[str, int]) -> Callables:
    """The functions of a program on these data; `sizes` gains the lengths of the axes that the program finds itself.
    Raises ModelError E703 where the data do not fit what the model looks up in them."""
    # numpy's integers: the variance of a single row is then not a number, where Python's would raise ZeroDivisionError
    lengths = {axis: np.int64(size) for axis, size in sizes.items()}
    with np.errstate(all="ignore"):
        try:
            functions = make(inputs, lengths)
        except IndexError as problem:
            raise ModelError([complain("E703", None, what=problem)]) from None
    sizes.update({axis: int(size) for axis, size in lengths.items()})
    return functions
