"""Where Prefect keeps the results of cached tasks: in packshot's own store, so that the next process reads them on any
host. The saved block names the store and holds no keys; those come from the process's own settings."""

import hashlib
from asyncio import to_thread
from functools import lru_cache
from pathlib import Path

from prefect.filesystems import WritableFileSystem
from pydantic import Field

from packshot.store import FolderStore, open_store

RESULTS_PREFIX = "prefect/"


class PackshotResults(WritableFileSystem):
    """Results of Prefect's tasks in a packshot store. References only, a few hundred bytes each."""

    _block_type_name = "Packshot results"
    _block_type_slug = "packshot-results"

    store: str = Field(description="The store, as s3://bucket/prefix.")

    def read_path(self, path: str, _sync: bool | None = None) -> bytes:
        data = open_store(self.store).get(RESULTS_PREFIX + path)
        if data is None:
            raise ValueError(f"no result {path} in {self.store}")  # what Prefect takes for "not cached"
        return data

    def write_path(self, path: str, content: bytes, _sync: bool | None = None) -> None:
        open_store(self.store).put(RESULTS_PREFIX + path, content)

    async def aread_path(self, path: str) -> bytes:
        return await to_thread(self.read_path, path)

    async def awrite_path(self, path: str, content: bytes) -> None:
        await to_thread(self.write_path, path, content)


@lru_cache(maxsize=4)
def result_storage(store: str) -> WritableFileSystem | Path:
    """What a task takes as `result_storage`: a folder in a folder store, a saved block for S3. Once a process."""
    opened = open_store(store)
    if isinstance(opened, FolderStore):
        return opened.path(RESULTS_PREFIX)
    name = f"packshot-{hashlib.sha256(store.encode()).hexdigest()[:12]}"
    try:
        block = PackshotResults.load(name, _sync=True)
    except ValueError:  # not saved yet; two processes may save the same one
        block = PackshotResults(store=store)
        block.save(name, overwrite=True, _sync=True)
    return block
