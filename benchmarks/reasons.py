"""How well the reasons beside a verdict hold: each clause against the truth of held-out synthetic photos, with the
engines of profile `lite`, and with Tesseract as the reader where its models are installed.

python -m benchmarks.reasons [PHOTOS]

PHOTOS (default 90) are drawn evenly over the verdicts from the split "test"; on top of them as many bad and other
infographics more as it takes for three photos of each clause.
"""

import sys
import time
from collections import Counter
from dataclasses import dataclass

import numpy as np

from packshot.artifacts import Reason, Segmentation, Texts
from packshot.classifier.facts import Facts, measure_facts
from packshot.classifier.reasons import explain_verdict
from packshot.engines import make_engine
from packshot.errors import SettingError
from packshot.records import VERDICTS
from packshot.synth import SynthPhoto, make_photo

FIRST_SEED = 70_000
_AT_LEAST, _MOST_EXTRA = 3, 150
TRUTH: dict[str, tuple[str, ...]] = {
    "price_or_delivery": ("price_or_delivery",),
    "only_claims": ("only_claims",),
    "qr_code": ("qr_code",),
    "placeholder": ("placeholder",),
    "papers": ("scheme", "instructions", "certificate", "table", "set_contents", "line_up"),
    "covers_half": ("covers_half",),
    "foreign_text": ("foreign_text",),
    "tiny_text": ("tiny_text",),
    "faint_text": ("low_contrast_text",),
    "article_numbers": ("article_numbers", "jargon"),
    "unnamed_dimensions": ("unnamed_dimensions",),
    "bare_text": ("bare_text",),
    "frame": ("frame",),
    "loud_background": ("loud_colour",),
    "calm_background": ("even_white", "even_grey", "even_beige", "even_dark", "gradient"),
}
"""By clause: the synthetic catalogue's clauses, any of which makes it true."""
_ALSO_TRUE = {
    "bare_text": {
        *("tiny_text", "low_contrast_text", "article_numbers", "jargon", "unnamed_dimensions", "foreign_text"),
        *("only_name", "line_up", "table", "placeholder"),  # their words are drawn without frames
    },
    "tiny_text": {"covers_half"},
    "faint_text": {"watermark"},
    **{clause: {"*infographics"} for clause in ("frame", "loud_background", "calm_background")},
    "unnamed_dimensions": {"scheme"},
}
"""Photos of these clauses may well trip the clause too: they count neither for nor against it."""


@dataclass(slots=True)
class Case:
    photo: SynthPhoto
    facts: Facts
    reasons: list[Reason]


def draw(count: int) -> list[SynthPhoto]:
    photos = [make_photo(FIRST_SEED + i, VERDICTS[i % len(VERDICTS)], None, "test") for i in range(count)]
    wanted = {clause for clauses in TRUTH.values() for clause in clauses}
    seen = Counter(clause for photo in photos for clause in photo.clauses)
    for seed in range(FIRST_SEED + count, FIRST_SEED + count + _MOST_EXTRA):
        photo = make_photo(seed, ("bad_infographics", "other_infographics")[seed % 2], None, "test")
        if any(clause in wanted and seen[clause] < _AT_LEAST for clause in photo.clauses):
            photos.append(photo)
            seen.update(photo.clauses)
    return photos


def judge(photos: list[SynthPhoto], texts: list[Texts], segmentations: list[Segmentation]) -> list[Case]:
    """Facts and reasons of each photo; the network's verdict is taken for right, since it plays no part here."""
    cases = []
    for photo, text, segmentation in zip(photos, texts, segmentations, strict=True):
        facts = measure_facts(photo.image, text, segmentation)
        cases.append(Case(photo, facts, explain_verdict(facts, photo.verdict, 1.0)))
    return cases


def clause_lines(cases: list[Case]) -> list[str]:
    """Precision and recall of each clause."""
    lines = []
    for clause, names in TRUTH.items():
        true = [bool(set(names) & set(case.photo.clauses)) for case in cases]
        tripped = [clause in {reason.clause for reason in case.reasons} for case in cases]
        excused = [
            bool(_ALSO_TRUE.get(clause, set()) & {*case.photo.clauses, f"*{case.photo.verdict.split('_', 1)[1]}"})
            for case in cases
        ]
        hits = sum(t and s for t, s in zip(true, tripped, strict=True))
        false = sum(s and not t and not e for t, s, e in zip(true, tripped, excused, strict=True))
        precision = f"{hits / (hits + false):.2f}" if hits + false else "–"
        recall = f"{hits / sum(true):.2f}" if sum(true) else "–"
        lines.append(
            f"{clause:20} true {sum(true):3}  right {hits:3}  wrong {false:3}  precision {precision:>4}  "
            f"recall {recall:>4}"
        )
    return lines


def figure_lines(cases: list[Case]) -> list[str]:
    """Errors of the measured shares, and how much writing could be read."""
    covered = [
        abs(case.facts.infographics_share - true_cover(case.photo)) for case in cases if case.photo.overlay_boxes
    ]
    product = [
        abs(case.facts.product_share - float(case.photo.product_alpha.mean()))
        for case in cases
        if case.facts.product_share is not None
    ]
    lines = sum(case.facts.text_lines for case in cases)
    unread = sum(case.facts.unread_lines for case in cases)
    pointed = [r.points_to for c in cases if (r := next((r for r in c.reasons if r.points_to), None))]
    right = sum(next((r.points_to for r in case.reasons if r.points_to), None) == case.photo.verdict for case in cases)
    return [
        f"share covered by infographics: median error {np.median(covered):.3f}, mean {np.mean(covered):.3f} "
        f"({len(covered)} photos)",
        f"product share: told for {len(product)} of {len(cases)} photos, median error {np.median(product):.3f}, mean "
        f"{np.mean(product):.3f}",
        f"lines of infographics found {lines}, of which unread {unread}",
        f"the figures point to a verdict for {len(pointed)} photos, to the true one for {right}",
    ]


def true_cover(photo: SynthPhoto) -> float:
    mask = np.zeros(photo.image.shape[:2], bool)
    for (x0, y0, x1, y1), _ in photo.overlay_boxes:
        mask[int(y0) : int(y1), int(x0) : int(x1)] = True
    return float(mask.mean())


def main() -> None:
    photos = draw(int(sys.argv[1]) if len(sys.argv) > 1 else 90)
    images = [photo.image for photo in photos]
    segmentations = make_engine("segment", "grabcut", {}).run(images)
    print(f"{len(photos)} held-out synthetic photos")
    for reader in ("rapid", "tesseract"):
        try:
            engine = make_engine("ocr", reader, {})
        except SettingError as error:
            print(f"\nwithout {reader}: {error}")
            continue
        started = time.process_time()
        texts = engine.run(images)
        reading = (time.process_time() - started) / len(photos)
        started = time.process_time()
        cases = judge(photos, texts, segmentations)
        judging = (time.process_time() - started) / len(photos)
        print(f"\nreader {reader}: {1000 * reading:.0f} ms of CPU a photo; facts and reasons {1000 * judging:.0f} ms")
        print("\n".join([*clause_lines(cases), *figure_lines(cases)]))


if __name__ == "__main__":
    main()
