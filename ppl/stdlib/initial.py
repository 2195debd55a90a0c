"""Where the weights of nets start."""

import math
import zlib

import numpy as np
import numpy.typing as npt

from ppl.source.diagnostic import ModelError, complain

# Weights of one layer: what an optimiser keeps beside them has several times their size.
LARGEST = 1 << 28


def initial(name: str, scaling: str, fan_in: int, fan_out: int, shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
    """Where the weights of a net start: uniform with variance 2 / (fan_in + fan_out) (Glorot & Bengio, AISTATS 2010),
    or, before a function that cuts off half of what comes in, 2 / fan_in (He et al., ICCV 2015). The same name gives
    the same numbers. Errors: E706, of more than a computer of our days holds."""
    if math.prod(shape) > LARGEST:
        raise ModelError([complain("E706.weights", name=name, count=f"{math.prod(shape):,}".replace(",", " "))])
    variance = 2.0 / fan_in if scaling == "he" else 2.0 / (fan_in + fan_out)
    limit = float(np.sqrt(3.0 * variance))
    return np.random.Generator(np.random.PCG64(zlib.crc32(name.encode()))).uniform(-limit, limit, shape)
