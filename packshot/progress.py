"""Who wants to know how far the work is. The loop tells; a command line or a test listens."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Listener = Callable[[str, int, object], None]
_listeners: list[Listener] = []


TOTAL = "total"
"""Not a stage: how many photos there are."""


def advance(stage: str, photos: int, found_done_in: object = None) -> None:
    """`photos` more photos are through a stage (or there are so many: `TOTAL`). `found_done_in` names the batch if
    nothing was left to do for them; a batch that is tried again tells of the same photos again."""
    if photos or found_done_in is not None:
        for listener in _listeners:
            listener(stage, photos, found_done_in)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Call `listener(stage, photos, found_done_in)` for every advance in this process."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)
