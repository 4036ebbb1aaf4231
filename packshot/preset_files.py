"""`packshot check`: finished files against a preset, each by its content alone."""

import glob
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from packshot.catalogue import PICTURE_SUFFIXES
from packshot.engines import make_engine
from packshot.errors import PhotoError, SettingError
from packshot.preset_check import Finding, check
from packshot.presets import Preset


@dataclass(slots=True)
class Checked:
    """A file, and what of the preset it breaks; `problem` where it is no picture at all."""

    path: Path
    findings: list[Finding]
    problem: str = ""

    @property
    def passes(self) -> bool:
        return not self.problem and not any(finding.binding for finding in self.findings)


def find_pictures(places: Iterable[str]) -> list[Path]:
    """The files that paths, folders (searched through) and glob patterns name, sorted. `SettingError` for one that
    names none."""
    found: dict[Path, None] = {}
    for place in places:
        path = Path(place).expanduser()
        if path.is_dir():
            files = [p for p in path.rglob("*") if p.suffix.lower() in PICTURE_SUFFIXES]
        elif path.is_file():
            files = [path]
        else:
            files = [Path(p) for p in glob.glob(str(path), recursive=True) if Path(p).is_file()]
        if not files:
            raise SettingError(f"{place} names no picture")
        found |= dict.fromkeys(sorted(files))
    return list(found)


def check_files(paths: Iterable[Path], preset: Preset, read: bool = True) -> Iterator[Checked]:
    """Hold each file against the preset. `read`: look for writing off the product too, where a rule forbids it."""
    texts: Callable[[np.ndarray], list[str]] | None = OverlayTexts() if read else None
    for path in paths:
        try:
            yield Checked(path, check(path.read_bytes(), preset, texts))
        except PhotoError as error:
            yield Checked(path, [], f"{error.code}: {error.message}")
        except OSError as error:
            yield Checked(path, [], f"cannot be read: {error.strerror}")


class OverlayTexts:
    """Finds writing off the product with the engines of profile `lite`, loaded when the first picture is read."""

    @cached_property
    def _engines(self) -> tuple:
        return make_engine("ocr", "rapid", {}), make_engine("detect", "masks", {})

    def __call__(self, pixels: np.ndarray) -> list[str]:
        reader, detector = self._engines
        texts = reader.run([pixels])
        if not texts[0].boxes:
            return []
        (found,) = detector.run([pixels], texts, [None], [None])
        if isinstance(found, PhotoError):
            return [box.text or "unread" for box in texts[0].boxes]
        overlays = found.overlay_texts
        return [box.text or "unread" for box in texts[0].boxes if any(_same(box.xyxy, xyxy) for xyxy in overlays)]


def _same(first: np.ndarray, second: np.ndarray) -> bool:
    return bool(np.abs(first - second).max() < 0.2 * max(1.0, float(np.ptp(first))))
