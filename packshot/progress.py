"""Who wants to know how far the work is. The loop tells; a command line or a test listens."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Listener = Callable[[str, int], None]
_listeners: list[Listener] = []


def advance(stage: str, photos: int) -> None:
    """`photos` more photos are through a stage (or a plan: stage `total`)."""
    if photos:
        for listener in _listeners:
            listener(stage, photos)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Call `listener(stage, photos)` for every advance in this process."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)
