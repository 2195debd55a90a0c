"""Tables larger than memory."""

from ppl.check.core import DataSpec
from ppl.data.bind import bind
from ppl.data.bound import Bound
from ppl.data.options import Options


def bind_rows(spec: DataSpec, source: object, options: Options) -> Bound:
    """The arrays that `spec` asks for."""
    return bind(spec, source, options)
