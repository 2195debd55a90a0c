"""How a file is to be read: what the command line says about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

DECIMAL_MARKS = (".", ",")
MISSING_TEXTS = frozenset({"", "NA", "NaN", "null", "."})


@dataclass(frozen=True, slots=True)
class Options:
    """`sep`: the separator (None: by the suffix). `decimal`: the decimal mark. `na`: texts that mean missing, besides
    `MISSING_TEXTS`. `map`: declared name -> column of the file. `missing`: what a missing cell does. `strip`: remove
    spaces around the texts of factors."""

    sep: str | None = None
    decimal: str = "."
    na: tuple[str, ...] = ()
    map: Mapping[str, str] = field(default_factory=dict)
    missing: Literal["error", "drop"] = "error"
    strip: bool = False

    @property
    def missing_texts(self) -> frozenset[str]:
        return MISSING_TEXTS | set(self.na)
