"""Memory of a process that loads: large, short-lived blocks (pages, columns, row groups) that must not pile up."""

from __future__ import annotations

import atexit
import ctypes
import ctypes.util
import functools
import gc
from collections.abc import Callable

import pyarrow as pa

_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8
"""Numbers of `mallopt` in glibc's malloc.h."""
ARENAS = 2
LARGE = 2 * 1024 * 1024
"""Bytes from which a block is the system's own, and goes back to it when it is freed."""

OBJECTS = 50_000
"""New objects after which the collector looks for cycles among them."""


@functools.cache
def spend_sparingly() -> None:
    """Sets up this process's allocators and its collector, once.

    Arrow's own pool keeps what was freed. So does glibc, for blocks up to the largest that it has seen, and in an arena
    for each thread. Together that was a quarter of the peak of a long sync.
    """
    pa.set_memory_pool(pa.system_memory_pool())
    if mallopt := _libc("mallopt"):
        mallopt(_M_ARENA_MAX, ARENAS)
        mallopt(_M_MMAP_THRESHOLD, LARGE)
    # a million objects of the libraries stay for good: looking through them each time was a twentieth of a long sync
    gc.collect()
    gc.freeze()
    # a page's records come in tens of thousands and hold no cycles: Python's own threshold looked at them 2,500 times
    gc.set_threshold(OBJECTS, *gc.get_threshold()[1:])
    # DuckDB's library counts what is left at the end, and complains of what nobody could collect
    atexit.register(gc.unfreeze)


def give_back() -> None:
    """Returns freed memory to the system: glibc keeps it, and a long sync would grow by a third."""
    pa.default_memory_pool().release_unused()
    if trim := _libc("malloc_trim"):
        trim(0)


@functools.cache
def _libc(function: str) -> Callable[..., int] | None:
    """A function of glibc; None where the system's C library has none of that name."""
    name = ctypes.util.find_library("c")
    return getattr(ctypes.CDLL(name), function, None) if name else None
