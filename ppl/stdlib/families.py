"""What a guide may draw unknowns from, beside the distributions: families over their coordinates, and flows.

`FAMILIES` are written alone (`FullRank()`), `FLOWS` behind a base (`Normal(0, 1) |> coupling(layers=6)`). Both act on
unconstrained coordinates; numpy stays out of here, for the checker reads these tables.
Sources: full rank and mean field (Kucukelbir et al., JMLR 2017); low rank (Ong, Nott & Smith, JCGS 2018); coupling
(Dinh, Sohl-Dickstein & Bengio, ICLR 2017); autoregressive (Kingma et al., NeurIPS 2016; Papamakarios et al., NeurIPS
2017); planar (Rezende & Mohamed, ICML 2015)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Setting:
    """An argument that shapes a family: a number of at least `least`, whole where `whole`; `default` None: it must be
    given."""

    name: str
    default: float | None
    least: float
    whole: bool = True

    @property
    def words(self) -> str:
        return f"a whole number of at least {self.least:g}" if self.whole else "a number above zero"


@dataclass(frozen=True, slots=True)
class Family:
    """A row of `FAMILIES`. `key` is how the command line and the emitted program call it; `steps` are the flows (rows
    of `STEPS`) that its draws go through; `extra` is the setting that says how many numbers a draw takes beyond one for
    each coordinate."""

    name: str
    key: str
    settings: tuple[Setting, ...] = ()
    steps: tuple[str, ...] = ()
    extra: str = ""


@dataclass(frozen=True, slots=True)
class Flow:
    """A row of `FLOWS`: a map of a whole vector of coordinates, learned."""

    name: str
    settings: tuple[Setting, ...]


_LAYERS = Setting("layers", 6, 1)
_HIDDEN = Setting("hidden", 32, 1)

FLOWS: dict[str, Flow] = {
    row.name: row
    for row in (
        Flow("coupling", (_LAYERS, _HIDDEN)),
        Flow("autoregressive", (Setting("layers", 2, 1), _HIDDEN)),
        Flow("planar", (Setting("layers", 8, 1),)),
    )
}

INIT_SD = Setting("init_sd", None, 0.0, whole=False)

FAMILIES: dict[str, Family] = {
    row.name: row
    for row in (
        Family("MeanField", "mean_field", (INIT_SD,)),
        Family("FullRank", "full_rank", (INIT_SD,), ("mix",)),
        Family("LowRank", "low_rank", (Setting("rank", None, 1), INIT_SD), ("low_rank",), "rank"),
        Family("Laplace", "laplace", (), ("mix",)),
        Family("Delta", "delta"),
    )
}


@dataclass(frozen=True, slots=True)
class Image:
    """What `family |> map` is: `to` has a formula for each parameter of `row`, over the parameters of the family and
    the arguments of the map."""

    family: str
    row: str
    to: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Map:
    """A row of `MAPS`: a rising map of numbers, with the names of its arguments; `value` is its formula in x."""

    name: str
    args: tuple[str, ...]
    value: str
    images: tuple[Image, ...]


_LOC_SCALE = tuple(
    Image(name, name, (*((p, p) for p in shape), (loc, f"m + s * {loc}"), (scale, f"s * {scale}")))
    for name, shape, loc, scale in (
        ("Normal", (), "mean", "sd"),
        ("StudentT", ("df",), "mean", "sd"),
        ("Cauchy", (), "loc", "scale"),
        ("Laplace", (), "loc", "scale"),
        ("Logistic", (), "loc", "scale"),
        ("Gumbel", (), "loc", "scale"),
    )
)

MAPS: dict[str, Map] = {
    row.name: row
    for row in (
        Map("exp", (), "exp(x)", (Image("Normal", "LogNormal", (("mean_log", "mean"), ("sd_log", "sd"))),)),
        Map("log", (), "log(x)", (Image("LogNormal", "Normal", (("mean", "mean_log"), ("sd", "sd_log"))),)),
        Map(
            "affine",
            ("m", "s"),
            "m + s * x",
            (*_LOC_SCALE, Image("Uniform", "Uniform", (("lo", "m + s * lo"), ("hi", "m + s * hi")))),
        ),
    )
}
