"""The artifact store: a folder, or a bucket of any S3-compatible server. Both keep the same contract.

Keys are relative paths with `/`. Writes are atomic (a reader sees the whole object or none) and idempotent.
"""

import errno
import os
import threading
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import lru_cache, partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from packshot.errors import SettingError, StoreError

DEFAULT_STORE = "packshot-store"


class Store(ABC):
    """Bytes by key. `url` is what the user wrote, made absolute, and what a worker elsewhere opens again."""

    url: str

    @abstractmethod
    def get(self, key: str) -> bytes | None:
        """The object's bytes, or None if there is no such key."""

    @abstractmethod
    def put(self, key: str, data: bytes) -> None: ...

    @abstractmethod
    def put_file(self, key: str, path: Path) -> None:
        """Store a local file without holding it in memory."""

    @abstractmethod
    def local_copy(self, key: str) -> AbstractContextManager[Path | None]:
        """The object as a local file while the context lasts, without holding it in memory; None if it is not there."""

    @abstractmethod
    def delete(self, keys: Iterable[str]) -> None:
        """Remove objects; a key that is not there is no error."""

    @abstractmethod
    def keys(self, prefix: str) -> Iterator[str]:
        """Every key under a prefix that ends with `/`, in no particular order."""

    @abstractmethod
    def ages(self, prefix: str) -> Iterator[tuple[str, float]]:
        """Every key under a prefix that ends with `/`, with the Unix time of its last write."""

    @abstractmethod
    def children(self, prefix: str) -> list[str]:
        """Names directly under a prefix that ends with `/`, sorted; folders without their slash."""

    @abstractmethod
    def existing(self, keys: Iterable[str]) -> set[str]:
        """Those of the keys that are there, found in as few requests as the store allows."""

    def delete_all(self, prefix: str) -> None:
        """Remove every object under a prefix that ends with `/`."""
        self.delete(self.keys(prefix))

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Objects by key; keys that are not there are left out."""
        return {key: data for key in keys if (data := self.get(key)) is not None}

    @abstractmethod
    def beginnings(self, keys: Iterable[str], size: int) -> dict[str, bytes]:
        """The first `size` bytes of objects by key; keys that are not there are left out."""


class FolderStore(Store):
    """A folder on this machine (or a shared file system with atomic rename)."""

    def __init__(self, root: Path):
        self.root = root.expanduser().resolve()
        self.url = str(self.root)
        self._numbers = count()
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"the store folder {self.root} cannot be made: {error.strerror}") from error

    def path(self, key: str) -> Path:
        """Where an object lies as a file."""
        return Path(self._file(key))

    def _file(self, key: str) -> str:
        """`path` as text: pathlib is slow where a run asks for every artifact of a catalogue."""
        if key.startswith("/") or "/../" in f"/{key}/":
            raise StoreError(f"{key!r} is no key: it would leave the store")
        return f"{self.url}/{key}"

    def get(self, key: str) -> bytes | None:
        try:
            with open(self._file(key), "rb") as file:
                return file.read()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._error("read", key, error) from error

    def put(self, key: str, data: bytes) -> None:
        def write(temporary: str) -> None:
            with open(temporary, "xb") as file:
                file.write(data)

        self._replace(key, write)

    def put_file(self, key: str, path: Path) -> None:
        import shutil

        self._replace(key, lambda temporary: shutil.copyfile(path, temporary))

    @contextmanager
    def local_copy(self, key: str) -> Iterator[Path | None]:
        path = self.path(key)
        yield path if path.is_file() else None

    def _replace(self, key: str, write: Any) -> None:
        target = self._file(key)
        folder, _ = os.path.split(target)
        temporary = f"{folder}/.{os.getpid()}-{threading.get_ident()}-{next(self._numbers)}.tmp"
        try:
            try:
                write(temporary)
            except FileNotFoundError:
                os.makedirs(folder, exist_ok=True)
                write(temporary)
            os.replace(temporary, target)
        except OSError as error:
            Path(temporary).unlink(missing_ok=True)
            raise self._error("write", key, error) from error

    def delete(self, keys: Iterable[str]) -> None:
        for key in keys:
            self.path(key).unlink(missing_ok=True)

    def delete_all(self, prefix: str) -> None:
        import shutil

        with suppress(FileNotFoundError):
            shutil.rmtree(self.path(prefix))  # folders too, or an empty one would look like a run

    def keys(self, prefix: str) -> Iterator[str]:
        for folder, _, names in os.walk(self.path(prefix)):
            relative = os.path.relpath(folder, self.root)
            yield from (f"{relative}/{name}" for name in names if not name.endswith(".tmp"))

    def ages(self, prefix: str) -> Iterator[tuple[str, float]]:
        for key in self.keys(prefix):
            with suppress(FileNotFoundError):
                yield key, os.stat(self._file(key)).st_mtime

    def children(self, prefix: str) -> list[str]:
        try:
            return sorted(name for name in os.listdir(self.path(prefix)) if not name.endswith(".tmp"))
        except FileNotFoundError:
            return []

    def existing(self, keys: Iterable[str]) -> set[str]:
        return {key for key in keys if os.path.exists(self._file(key))}

    def beginnings(self, keys: Iterable[str], size: int) -> dict[str, bytes]:
        found = {}
        for key in keys:
            with suppress(FileNotFoundError), open(self._file(key), "rb") as file:
                found[key] = file.read(size)
        return found

    def _error(self, verb: str, key: str, error: OSError) -> StoreError:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        hint = "; the disk is full: make room, or choose another PACKSHOT_STORE" if full else ""
        return StoreError(f"the store folder {self.root} could not {verb} {key}: {error.strerror}{hint}")


class S3Store(Store):
    """A bucket, through boto3: endpoint and keys by the usual AWS settings (AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, …).

    Connections are pooled, many objects are moved in parallel, and boto3 repeats what fails with backoff.
    """

    THREADS = 16
    PAGE = 1000
    FULL = ("507", "InsufficientStorage", "InsufficientCapacity", "XMinioStorageFull", "QuotaExceeded")
    """Codes of servers without room: a status, and the names that Ceph, MinIO and others give it."""
    TRIES_TO_OPEN = 3
    TRIES = 14
    """With botocore's pauses, drawn from up to 20 s, these tries span 30 s at the very least and 95 s on average."""

    def __init__(self, bucket: str, prefix: str = ""):
        import boto3
        from botocore.config import Config

        self.bucket = bucket
        self.prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self.url = f"s3://{bucket}/{self.prefix}".rstrip("/")

        def config(attempts: int) -> Config:
            return Config(
                max_pool_connections=self.THREADS * 2,
                retries={"mode": "standard", "max_attempts": attempts},
                connect_timeout=5,
                read_timeout=60,
            )

        self._pool = ThreadPoolExecutor(self.THREADS, thread_name_prefix="s3")
        try:
            session = boto3.session.Session()
            # A wrong address or key is told of soon; a server that restarts in mid-run is waited for.
            session.client("s3", config=config(self.TRIES_TO_OPEN)).head_bucket(Bucket=bucket)
            self._s3 = session.client("s3", config=config(self.TRIES))
        except Exception as error:
            raise self._error("open", "", error) from error

    @staticmethod
    @lru_cache(maxsize=8)
    def of_bucket(bucket: str) -> "S3Store":
        """A whole bucket, opened once a process."""
        return S3Store(bucket)

    def get(self, key: str, **part: str) -> bytes | None:
        try:
            return self._s3.get_object(Bucket=self.bucket, Key=self.prefix + key, **part)["Body"].read()
        except self._s3.exceptions.NoSuchKey:
            return None
        except Exception as error:
            raise self._error("read", key, error) from error

    def put(self, key: str, data: bytes) -> None:
        try:
            self._s3.put_object(Bucket=self.bucket, Key=self.prefix + key, Body=data)
        except Exception as error:
            raise self._error("write", key, error) from error

    def put_file(self, key: str, path: Path) -> None:
        try:
            self._s3.upload_file(str(path), self.bucket, self.prefix + key)
        except Exception as error:
            raise self._error("write", key, error) from error

    @contextmanager
    def local_copy(self, key: str) -> Iterator[Path | None]:
        with TemporaryDirectory() as folder:
            path = Path(folder, "object")
            if self._exists(key):
                try:
                    self._s3.download_file(self.bucket, self.prefix + key, str(path))
                except Exception as error:
                    raise self._error("read", key, error) from error
            yield path if path.is_file() else None

    def delete(self, keys: Iterable[str]) -> None:
        def delete_page(page: list[str]) -> None:
            objects = [{"Key": self.prefix + key} for key in page]
            try:
                answer = self._s3.delete_objects(Bucket=self.bucket, Delete={"Objects": objects, "Quiet": True})
            except Exception as error:
                raise self._error("delete", page[0], error) from error
            if failed := answer.get("Errors"):
                raise StoreError(f"{self.url} did not delete {failed[0]['Key']}: {failed[0].get('Message')}")

        names = list(keys)
        for start in range(0, len(names), self.PAGE):
            delete_page(names[start : start + self.PAGE])

    def keys(self, prefix: str) -> Iterator[str]:
        for page in self._pages(Prefix=self.prefix + prefix):
            yield from (item["Key"][len(self.prefix) :] for item in page.get("Contents", ()))

    def ages(self, prefix: str) -> Iterator[tuple[str, float]]:
        for page in self._pages(Prefix=self.prefix + prefix):
            for item in page.get("Contents", ()):
                yield item["Key"][len(self.prefix) :], item["LastModified"].timestamp()

    def children(self, prefix: str) -> list[str]:
        full = self.prefix + prefix
        names = set()
        for page in self._pages(Prefix=full, Delimiter="/"):
            names |= {item["Key"][len(full) :] for item in page.get("Contents", ())}
            names |= {item["Prefix"][len(full) :].rstrip("/") for item in page.get("CommonPrefixes", ())}
        return sorted(names - {""})

    def existing(self, keys: Iterable[str]) -> set[str]:
        """One page of a listing answers for all keys of a folder that it spans; what lies beyond is asked singly."""
        folders = defaultdict(list)
        for key in keys:
            folders[key.rpartition("/")[0]].append(key)
        found = set()
        for part in self._pool.map(self._existing_in_folder, folders.items()):
            found |= part
        return found

    def _existing_in_folder(self, item: tuple[str, list[str]]) -> set[str]:
        folder, keys = item[0], sorted(item[1])
        if len(keys) == 1:
            return {key for key in keys if self._exists(key)}
        try:
            # One character before the first key, so that the page starts with it.
            page = self._s3.list_objects_v2(
                Bucket=self.bucket,
                Prefix=f"{self.prefix}{folder}/",
                StartAfter=self.prefix + keys[0][:-1],
                MaxKeys=self.PAGE,
            )
        except Exception as error:
            raise self._error("list", folder, error) from error
        listed = {entry["Key"][len(self.prefix) :] for entry in page.get("Contents", ())}
        found = listed.intersection(keys)
        if page.get("IsTruncated"):
            last = max(listed)
            found |= {key for key in keys if key > last and self._exists(key)}
        return found

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        names = list(keys)
        return {k: data for k, data in zip(names, self._pool.map(self.get, names), strict=True) if data is not None}

    def beginnings(self, keys: Iterable[str], size: int) -> dict[str, bytes]:
        names = list(keys)
        read = partial(self.get, Range=f"bytes=0-{size - 1}")
        return {k: data for k, data in zip(names, self._pool.map(read, names), strict=True) if data is not None}

    def _exists(self, key: str) -> bool:
        from botocore.exceptions import ClientError

        try:
            self._s3.head_object(Bucket=self.bucket, Key=self.prefix + key)
            return True
        except ClientError as error:
            if error.response["Error"]["Code"] in ("404", "NoSuchKey", "NotFound"):
                return False
            raise self._error("read", key, error) from error
        except Exception as error:
            raise self._error("read", key, error) from error

    def signed_url(self, key: str, seconds: int) -> str:
        """An address under which anyone can read the object for so long (a week at most)."""
        arguments = {"Bucket": self.bucket, "Key": self.prefix + key}
        return self._s3.generate_presigned_url("get_object", Params=arguments, ExpiresIn=seconds)

    def _pages(self, **query: Any) -> Iterator[dict[str, Any]]:
        try:
            yield from self._s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, **query)
        except Exception as error:
            raise self._error("list", query["Prefix"], error) from error

    def _error(self, verb: str, key: str, error: Exception) -> StoreError:
        from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError

        where = f"the store {self.url} could not {verb} {key}".rstrip()
        if isinstance(error, NoCredentialsError):
            return StoreError(f"{where}: no keys found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
        if isinstance(error, EndpointConnectionError):
            return StoreError(f"{where}: no server answers; check AWS_ENDPOINT_URL ({error})")
        if isinstance(error, ClientError):
            code = error.response["Error"].get("Code", "")
            hint = {
                "404": f"there is no bucket {self.bucket!r}: make it, or correct PACKSHOT_STORE",
                "NoSuchBucket": f"there is no bucket {self.bucket!r}: make it, or correct PACKSHOT_STORE",
                "403": "the keys are refused: check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
                "InvalidAccessKeyId": "the key id is not known there: check AWS_ACCESS_KEY_ID",
                "SignatureDoesNotMatch": "the secret key is wrong: check AWS_SECRET_ACCESS_KEY",
                "AccessDenied": "these keys may not do that: check the bucket's policy",
                **dict.fromkeys(self.FULL, "the server is full: make room there, or choose another PACKSHOT_STORE"),
            }.get(code, str(error))
            if code in ("InternalError", "500") and verb == "write":  # SeaweedFS's answer when its disk is full
                hint = f"the server failed: look at its log, and whether its disk is full ({error})"
            return StoreError(f"{where}: {hint}")
        return StoreError(f"{where}: {error}")


def open_store(url: str | None = None) -> Store:
    """Open a store by folder path or `s3://bucket/prefix`; without one, PACKSHOT_STORE or ./packshot-store.

    Opened once a process. Raises `StoreError` when it cannot be reached, before any work is done.
    """
    return _open(str(url or os.environ.get("PACKSHOT_STORE") or DEFAULT_STORE))


@lru_cache(maxsize=8)
def _open(url: str) -> Store:
    parts = urlsplit(url)
    if parts.scheme == "s3":
        if not parts.netloc:
            raise SettingError(f"{url!r} names no bucket; a store is a folder or s3://bucket/prefix")
        return S3Store(parts.netloc, parts.path)
    if parts.scheme and "://" in url:
        raise SettingError(f"{url!r}: a store is a folder or s3://bucket/prefix")
    return FolderStore(Path(url))
