"""Put several objects into a store."""

from collections.abc import Mapping

from packshot.store import Store


def put_all(store: Store, objects: Mapping[str, bytes]) -> None:
    for key, data in objects.items():
        store.put(key, data)
