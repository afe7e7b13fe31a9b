"""Memory that a training step frees is kept for the next one.

glibc returns a large block to the system as soon as it is freed, and the system clears every page before it
hands it out again. A step on a CPU frees and takes hundreds of megabytes, so an eighth of its time was that.
"""

from __future__ import annotations

import ctypes
import sys

# Of glibc's malloc.h (https://www.man7.org/linux/man-pages/man3/mallopt.3.html): take no block from the
# system by itself, return none until two gigabytes are free, take 256 MiB at a time, let all threads share.
_KEEP = {
    "M_MMAP_MAX": (-4, 0),
    "M_TRIM_THRESHOLD": (-1, 2**31 - 1),
    "M_TOP_PAD": (-2, 2**28),
    "M_ARENA_MAX": (-8, 1),
}


def keep_freed_memory() -> bool:
    """Tell the C library to keep what this process frees; it holds for the rest of the process.

    The process then stays as large as it was at its largest.

    Returns:
        whether there was one to tell: only glibc's can be told.
    """
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and all(mallopt(*setting) for setting in _KEEP.values())
