"""Keeps freed arrays in the process.

By default the C library gives every large array back to the system when it is freed, and the next one of the same size
is paid for again, page by page: most of the time of an elementwise operation on a few megabytes.
"""

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
KEEP = 32 * 1024 * 1024


def keep_freed_memory() -> bool:
    """Ask glibc to reuse blocks below 32 MB; does nothing, and says so, where there is no glibc."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(M_MMAP_THRESHOLD, KEEP)) and bool(mallopt(M_TRIM_THRESHOLD, 4 * KEEP))
