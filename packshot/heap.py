"""Memory that a program frees is kept for its next need, instead of going back to the system."""

import ctypes

_MMAP_MAX, _TRIM_THRESHOLD, _TOP_PAD = -4, -1, -2
"""Numbers of the parameters of mallopt(3)."""


def keep_freed_memory() -> None:
    """From now on in this process, glibc takes large blocks from its heap and keeps them when they are freed.

    By default it maps large blocks anew each time, and the kernel fills them with zeros page by page. A training makes
    and frees the same large arrays in every step: a quarter to a half of its time (`python -m benchmarks.classifier
    heap`). On other systems nothing is changed.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return
    mallopt(_MMAP_MAX, 0)
    mallopt(_TRIM_THRESHOLD, 2**31 - 1)
    mallopt(_TOP_PAD, 256 << 20)
