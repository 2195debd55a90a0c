"""`ppl`: from a model file and a table of data to an honest posterior.

>>> import ppl
>>> fit = ppl.load("models/eight_schools.ppl").fit("models/eight_schools.csv")
>>> fit["theta"].sel(school="A").mean()
"""

from importlib import import_module

__version__ = "0.1.0"
__all__ = ["Fit", "Model", "ModelError", "__version__", "compile", "load", "load_fit"]

_HOMES = {
    "Fit": "ppl.results.fit",
    "Model": "ppl.api",
    "ModelError": "ppl.source.diagnostic",
    "compile": "ppl.api",
    "load": "ppl.api",
    "load_fit": "ppl.results.fit",
}


def __getattr__(name: str) -> object:
    """Names are imported when first used, so that `import ppl` stays light."""
    if name not in _HOMES:
        raise AttributeError(f"module 'ppl' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
