"""Half a page about one code, for `ppl explain CODE`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Page:
    """`about` is prose; `wrong` and `right` are examples."""

    code: str
    about: str
    wrong: str
    right: str
