"""The log density of a draw that numbers cannot tell from an end of its support."""

from ppl.check.core import Dist
from ppl.emit.densities import log_density
from ppl.emit.lower import Lowering
from ppl.emit.tails import BELOW_ONE, TINY
from ppl.emit.val import Val
from ppl.stdlib.distributions import DISTRIBUTIONS


def drawn_log_density(s: Lowering, dist: Dist, x: Val) -> Val:
    """log q of a draw; infinite for one at the last number before an end of the support, which stands for all that is
    beyond. Its density is not that of what was meant, and a guide could otherwise shrink into that last digit, where
    the bound grows without end."""
    b, log_q = s.b, log_density(s, dist, x)
    row = DISTRIBUTIONS.get(dist.name)
    if row is None or row.kind != "real" or row.event:
        return log_q
    ends = []
    if row.support.low == "0":
        ends.append(b.apply("le", x, b.lit(2.0 * TINY)))
    if row.support.high == "1":
        ends.append(b.apply("ge", x, b.lit(BELOW_ONE)))
    for end in ends:
        log_q = b.apply("where", end, b.lit(float("inf")), log_q)
    return log_q
