"""Fetching photos at catalogue scale: fast, polite to hosts, safe on hostile URLs.

`settings` says how; `addresses` which URLs and addresses may be asked; `hosts` how one host is treated; `exchange` is
one request; `scheduler` runs many on an event loop; `fetcher` is what callers use.
"""

from packshot.fetching.exchange import FetchRequest
from packshot.fetching.fetcher import Fetcher, close_shared_fetchers, fetch_batch, shared_fetcher
from packshot.fetching.hosts import HostReport
from packshot.fetching.scheduler import Fetched
from packshot.fetching.settings import FetchSettings

__all__ = [
    "FetchRequest",
    "FetchSettings",
    "Fetched",
    "Fetcher",
    "HostReport",
    "close_shared_fetchers",
    "fetch_batch",
    "shared_fetcher",
]
