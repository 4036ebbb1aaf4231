"""Balanced sampling: right numbers, at random, whatever the order, in little memory; and what is told when it fails."""

import random
import subprocess
import sys

import pytest

from packshot.catalogue import Problem, ProblemCode, Source, read_catalogue
from packshot.classifier.feature_set import UNTRAINED
from packshot.classifier.sampling import PlaceVerdicts, Sample, check_sample, draw_sample, verdict_of_place
from packshot.errors import SettingError, SourceError
from packshot.records import VERDICTS, Photo, photo_id


def photo(number: int, verdict: str | None, url: str | None = None) -> Photo:
    url = url or f"https://photos.example/{number}.jpg"
    return Photo(photo_id(str(number), url), str(number), url, verdict)


def rows_of(per_verdict: int) -> list[Photo]:
    return [photo(i, VERDICTS[i % 6]) for i in range(6 * per_verdict)]


def skus(sample: Sample) -> dict[str, list[str]]:
    return {verdict: [p.sku for p in photos] for verdict, photos in sample.drawn.items()}


def test_as_many_of_each_and_a_reserve_whatever_the_order_of_the_rows() -> None:
    rows = rows_of(300)
    sample = draw_sample(rows, 20, 0.5, seed=3)
    assert {verdict: len(photos) for verdict, photos in sample.drawn.items()} == dict.fromkeys(VERDICTS, 30)
    assert all(p.verdict == verdict for verdict, photos in sample.drawn.items() for p in photos)
    assert [p.verdict for p in sample.taken()[:6]] == list(VERDICTS) and len(sample.taken()) == 120
    random.Random(0).shuffle(rows)
    assert skus(draw_sample(rows, 20, 0.5, seed=3)) == skus(sample)
    other = skus(draw_sample(rows, 20, 0.5, seed=4))
    assert len(set(other[VERDICTS[0]]) & set(skus(sample)[VERDICTS[0]])) < 10
    # A smaller sample begins a larger one, and its photos come from all over the catalogue.
    assert skus(draw_sample(rows, 10, 0, seed=3))[VERDICTS[1]] == skus(sample)[VERDICTS[1]][:10]
    places = [int(sku) for photos in skus(sample).values() for sku in photos]
    assert all(sum(low <= p < low + 600 for p in places) > 30 for low in (0, 600, 1200))


def test_a_picture_under_several_skus_is_drawn_once_a_verdict() -> None:
    url = "https://photos.example/same.jpg"
    rows = [photo(i, VERDICTS[i % 2], url) for i in range(8)] + [photo(9, VERDICTS[0])]
    drawn = draw_sample(rows, 5, 0, seed=0).drawn
    assert sorted(p.url for p in drawn[VERDICTS[0]]) == ["https://photos.example/9.jpg", url]
    assert [p.url for p in drawn[VERDICTS[1]]] == [url], "with another verdict it is drawn on its own account"


def test_zero_takes_all() -> None:
    sample = draw_sample(rows_of(7), 0, 1.0, seed=0)
    assert len(sample.taken()) == 42 and sample.per_class == 7
    check_sample(sample, skip_unknown=False, uneven=False)


def test_what_cannot_be_sampled_is_explained() -> None:
    def check(rows: list, per_class: int = 2, **rules: bool) -> None:
        check_sample(draw_sample(rows, per_class, 0, 0), **{"skip_unknown": False, "uneven": False} | rules)

    rows = rows_of(2)
    check([*rows, photo(90, None), photo(91, UNTRAINED), Problem(7, ProblemCode.NO_URL, "")])
    with pytest.raises(SettingError, match=r"'good_infografics' \(2 rows\).*--skip-unknown"):
        check([*rows, photo(90, "good_infografics"), photo(91, "good_infografics")])
    check([*rows, photo(90, "good_infografics")], skip_unknown=True)
    with pytest.raises(SettingError, match=rf"{VERDICTS[2]} \(2\), .*--per-class 2.*--uneven"):
        check(rows, per_class=3)
    check(rows, per_class=3, uneven=True)
    without = [p for p in rows if p.verdict != VERDICTS[4]]
    for uneven in (False, True):
        with pytest.raises(SettingError, match=f"no photo of {VERDICTS[4]}"):
            check(without, uneven=uneven)
    check(without, uneven=True, every_class=False)
    with pytest.raises(SourceError, match="2 rows have no verdict.*--column verdict=NAME"):
        check([photo(1, None), photo(2, None)])
    about = draw_sample([*rows, photo(90, None), photo(91, UNTRAINED), photo(92, "odd")], 1, 0, 0).about()
    assert about["rows"] == dict.fromkeys(VERDICTS, 2)
    assert (about["unlabelled"], about[UNTRAINED], about["unknown"]) == (1, 1, {"odd": 1})


def test_pictures_in_folders_get_the_verdict_of_their_folder_or_of_labels_csv(tmp_path) -> None:
    for place in (f"{VERDICTS[3]}/a.jpg", f"{VERDICTS[0]}/deep/b.jpg", "c.jpg"):
        (tmp_path / "photos" / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "photos" / place).write_bytes(b"")
    source = Source(path=str(tmp_path / "photos"))
    labelled = [verdict_of_place(source).label(row) for row in read_catalogue(source)]
    assert {p.sku: p.verdict for p in labelled} == {
        f"{VERDICTS[3]}/a": VERDICTS[3],
        f"{VERDICTS[0]}/deep/b": VERDICTS[0],
        "c": None,
    }
    (tmp_path / "photos" / "labels.csv").write_text(f"file,verdict\nc.jpg,{VERDICTS[5]}\n{VERDICTS[3]}/a.jpg,\n")
    labelled = [verdict_of_place(source).label(row) for row in read_catalogue(source)]
    assert {p.sku: p.verdict for p in labelled if p.verdict} == {"c": VERDICTS[5]}
    (tmp_path / "photos" / "labels.csv").write_text("name,verdict\n")
    (tmp_path / "photos" / "labels.csv").write_text("name,verdict\nc.jpg,x\n")
    with pytest.raises(SourceError, match="no column 'file'"):
        verdict_of_place(source)
    assert PlaceVerdicts({}).label(Problem(1, ProblemCode.NO_URL, "")).line == 1


SCRIPT = """
import resource, sys
from packshot.classifier.sampling import draw_sample
from packshot.records import VERDICTS, Photo
rows = int(sys.argv[1])
photos = (Photo(f"{i:032x}", str(i), f"https://photos.example/{i}.jpg", VERDICTS[i % 6]) for i in range(rows))
sample = draw_sample(photos, 200, 1.0, 0)
assert sum(sample.rows.values()) == rows
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_a_million_rows_take_no_more_memory_than_ten_thousand() -> None:
    def peak_kb(rows: int) -> int:
        command = [sys.executable, "-c", SCRIPT, str(rows)]
        return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    assert peak_kb(1_000_000) < peak_kb(10_000) + 8_000
