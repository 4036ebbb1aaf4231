"""Balanced sampling: so many labelled photos of each verdict, from a catalogue of any length, in one pass.

Of each verdict the rows with the smallest hashes are kept, which is a random sample that does not depend on the order
of the rows and takes memory for the sample alone (bottom-k sampling; Cohen and Kaplan 2007).
"""

import csv
import hashlib
import heapq
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from packshot.catalogue import Problem, Source
from packshot.classifier.feature_set import UNTRAINED
from packshot.errors import SettingError, SourceError
from packshot.records import VERDICTS, Photo

LABELS = "labels.csv"
_NAMES_COUNTED = 20


@dataclass(slots=True)
class Sample:
    """`drawn`: by verdict the photos in the order of the draw: first `per_class` to take, then the reserve. The counts
    are of the catalogue's rows: `rows` by verdict, without one, of the verdict that is not trained, of names that are
    no verdict, and rows that are no photo."""

    per_class: int
    drawn: dict[str, list[Photo]]
    rows: Counter[str] = field(default_factory=Counter)
    unlabelled: int = 0
    untrained: int = 0
    unknown: Counter[str] = field(default_factory=Counter)
    problems: int = 0

    def taken(self) -> list[Photo]:
        """The photos to begin with, the verdicts in turn."""
        return in_turn({verdict: photos[: self.per_class] for verdict, photos in self.drawn.items()})

    def about(self) -> dict[str, object]:
        """Plain JSON values for the record of a training."""
        return {
            "rows": dict(self.rows),
            "unlabelled": self.unlabelled,
            UNTRAINED: self.untrained,
            "unknown": dict(self.unknown),
            "problems": self.problems,
        }


def draw_sample(
    rows: Iterable[Photo | Problem], per_class: int, reserve: float, seed: int, verdicts: tuple[str, ...] = VERDICTS
) -> Sample:
    """One pass over a catalogue. `per_class` 0 keeps every labelled row; else `reserve` (a share) is drawn on top.

    A URL that stands under several SKUs with the same verdict is one picture and drawn once.
    """
    room = per_class + round(per_class * reserve)
    kept = {verdict: _Smallest(room) for verdict in verdicts}
    sample = Sample(per_class, {})
    for row in rows:
        if isinstance(row, Problem):
            sample.problems += 1
        elif row.verdict is None:
            sample.unlabelled += 1
        elif row.verdict in kept:
            sample.rows[row.verdict] += 1
            kept[row.verdict].offer(_hash(f"{seed}\0{row.verdict}\0{row.url}"), row)
        elif row.verdict == UNTRAINED:
            sample.untrained += 1
        elif row.verdict in sample.unknown or len(sample.unknown) < _NAMES_COUNTED:
            sample.unknown[row.verdict] += 1
    sample.drawn = {verdict: smallest.in_order() for verdict, smallest in kept.items()}
    if not per_class:
        sample.per_class = max(len(photos) for photos in sample.drawn.values())
    return sample


def check_sample(sample: Sample, *, skip_unknown: bool, uneven: bool, every_class: bool = True) -> None:
    """Raise `SettingError` where labels are unknown, or a class has fewer photos than asked, unless that is allowed.

    A class without any photo cannot be trained; an evaluation (`every_class` off) goes without it.
    """
    if sample.unknown and not skip_unknown:
        found = ", ".join(f"{name!r} ({count:,} rows)" for name, count in sample.unknown.most_common(5))
        raise SettingError(
            f"the catalogue has unknown verdicts: {found}; known are {', '.join((*VERDICTS, UNTRAINED))}. "
            "Correct them, or leave those rows out with --skip-unknown"
        )
    counts = {verdict: len(photos) for verdict, photos in sample.drawn.items()}
    if not any(counts.values()):
        seen = f"{sample.unlabelled:,} rows have no verdict" if sample.unlabelled else "it has no row"
        raise SourceError(
            f"the catalogue has no labelled photo: {seen}. The column is `verdict`, or the one named by "
            f"--column verdict=NAME; pictures in a folder lie in one folder a verdict, or are named in its {LABELS}"
        )
    if every_class and (empty := [verdict for verdict, count in counts.items() if not count]):
        raise SettingError(f"the catalogue has no photo of {', '.join(empty)}: every class needs some to learn from")
    short = {verdict: count for verdict, count in counts.items() if count < sample.per_class}
    if short and not uneven:
        raise SettingError(
            f"{sample.per_class} photos a class were asked for, but the catalogue has fewer of "
            f"{', '.join(f'{verdict} ({count})' for verdict, count in short.items())}: "
            f"ask for --per-class {min(short.values())}, or take what there is with --uneven"
        )


def verdict_of_place(source: Source) -> "PlaceVerdicts | None":
    """How pictures of a folder or bucket get their verdicts; None where the catalogue's rows carry them."""
    if source.kind_of_pictures is None:
        return None
    labels = Path(source.path, LABELS)
    return PlaceVerdicts(read_label_file(labels) if labels.is_file() else {})


@dataclass(frozen=True, slots=True)
class PlaceVerdicts:
    """A picture's verdict by `labels.csv` (columns `file`, `verdict`) in its folder, or the folder it lies in."""

    by_name: dict[str, str]

    def label(self, photo: Photo | Problem) -> Photo | Problem:
        if isinstance(photo, Problem) or photo.verdict:
            return photo
        verdict = self.by_name.get(photo.sku)
        if verdict is None and not self.by_name and "/" in photo.sku:
            verdict = photo.sku.split("/", 1)[0]
        return Photo(photo.photo_id, photo.sku, photo.url, verdict, photo.background)


def read_label_file(path: Path) -> dict[str, str]:
    """Verdicts by a picture's name without its suffix. Raises `SourceError`."""
    try:
        with open(path, newline="", encoding="utf-8-sig") as stream:
            rows = [(row["file"], row["verdict"]) for row in csv.DictReader(stream)]
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{path} cannot be read: {error}") from None
    except KeyError as error:
        raise SourceError(f"{path} has no column {error}") from None
    return {Path(file).with_suffix("").as_posix(): verdict.strip() for file, verdict in rows if file and verdict}


def in_turn(drawn: dict[str, list[Photo]]) -> list[Photo]:
    """One of each verdict, then the next of each: wherever a shard is cut, it holds all of them."""
    longest = max((len(photos) for photos in drawn.values()), default=0)
    return [photos[i] for i in range(longest) for photos in drawn.values() if i < len(photos)]


class _Smallest:
    """The photos with the smallest hashes: `room` of them, or all where it is 0."""

    def __init__(self, room: int):
        self._room = room
        self._heap: list[tuple[int, str, Photo]] = []
        self._held: set[int] = set()

    def offer(self, key: int, photo: Photo) -> None:
        if key in self._held:
            return
        if self._room and len(self._heap) >= self._room:
            if key >= -self._heap[0][0]:
                return
            self._held.remove(-heapq.heapreplace(self._heap, (-key, photo.photo_id, photo))[0])
        else:
            heapq.heappush(self._heap, (-key, photo.photo_id, photo))
        self._held.add(key)

    def in_order(self) -> list[Photo]:
        return [photo for _, _, photo in sorted(self._heap, key=lambda item: -item[0])]


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest())
