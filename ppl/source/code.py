"""The record that declares one complaint."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """`message`, `label` and `hint` have `{holes}`; `wrong` and `right` are the examples of `ppl explain CODE`."""

    key: str
    message: str
    label: str = ""
    hint: str = ""
    about: str = ""
    wrong: str = ""
    right: str = ""

    @property
    def code(self) -> str:
        return self.key.partition(".")[0]
