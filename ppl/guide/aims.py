"""What a guide is fitted by: the evidence lower bound, or a bound that weighs several draws by their importance."""

import re
from dataclasses import dataclass

from ppl.source.diagnostic import ModelError, complain

# Draws of a Renyi bound where nothing says how many.
RENYI_DRAWS = 8
HELP = "elbo; iwae:5 (importance-weighted, of 5 draws); renyi:0.5 or renyi:0.5:8 (of order 0.5, of 8 draws)"


@dataclass(frozen=True, slots=True)
class Aim:
    """log mean w^(1 - order) over `count` draws, divided by 1 - order, with w = p / q. Order 0 is the importance-
    weighted bound (Burda, Grosse & Salakhutdinov, ICLR 2016), others are Renyi's (Li & Turner, NeurIPS 2016); one draw
    gives the evidence lower bound whatever the order. `doubly`: gradients of guide parameters are doubly
    reparameterised (Tucker et al., ICLR 2019), where all draws have a density of their own."""

    count: int = 1
    order: float = 0.0
    doubly: bool = False

    @property
    def name(self) -> str:
        if self.count == 1:
            return "ELBO"
        draws = f"{self.count} draws"
        return f"importance-weighted bound of {draws}" if not self.order else f"Renyi bound {self.order:g} of {draws}"


def aim_of(text: str | None) -> Aim | None:
    """The aim that `elbo`, `iwae:K`, `renyi:A` or `renyi:A:K` names; None for the first. Raises ModelError (E557)."""
    if text in (None, "elbo"):
        return None
    iwae = re.fullmatch(r"iwae:(\d+)", str(text))
    renyi = re.fullmatch(r"renyi:(-?\d+(?:\.\d+)?)(?::(\d+))?", str(text))
    if iwae and int(iwae[1]) > 0:
        return Aim(int(iwae[1]))
    if renyi and float(renyi[1]) != 1.0 and int(renyi[2] or 1) > 0:
        return Aim(int(renyi[2] or RENYI_DRAWS), float(renyi[1]))
    raise ModelError([complain("E557", None, text=text, help=HELP)])
