"""The measured facts of a photo as numbers that a classifier can weigh."""

from collections.abc import Callable

import numpy as np

from packshot.classifier.facts import Facts

_COUNTS = (
    "text_lines",
    "unread_lines",
    "pack_lines",
    "small_lines",
    "faint_lines",
    "framed_lines",
    "words",
    "other_words",
    "number_lines",
    "qr_codes",
    "bar_codes",
    "frame_sides",
    "width",
    "height",
)
_SHARES = (
    "text_share",
    "infographics_share",
    "smallest_text_share",
    "faintest_contrast",
    "foreign_least",
    "foreign_most",
    "background_range",
    "background_chroma",
    "product_share",
    "sharpness",
)
_LISTS = ("foreign_words", "price_words", "claims", "codes", "paper_words", "placeholder_words", "product_cut")
_OF_LINES = ("framed_lines", "small_lines", "faint_lines", "unread_lines")
_BACKGROUNDS = ("even", "gradient", "uneven", "several colours", "busy")
_COLOURS = ("white", "grey", "beige", "black")


def _readings() -> dict[str, Callable[[Facts], float | None]]:
    def count(name: str) -> Callable[[Facts], float | None]:
        return lambda facts: float(np.log1p(getattr(facts, name)))

    def share(name: str) -> Callable[[Facts], float | None]:
        return lambda facts: getattr(facts, name)

    def length(name: str) -> Callable[[Facts], float | None]:
        return lambda facts: None if getattr(facts, name) is None else float(np.log1p(len(getattr(facts, name))))

    def of_lines(name: str) -> Callable[[Facts], float | None]:
        return lambda facts: getattr(facts, name) / max(1, facts.text_lines)

    def is_background(kind: str) -> Callable[[Facts], float | None]:
        return lambda facts: float(facts.background == kind)

    def has_colour(name: str) -> Callable[[Facts], float | None]:
        return lambda facts: float(name in facts.background_colours)

    return (
        {f"log {name}": count(name) for name in _COUNTS}
        | {name: share(name) for name in _SHARES}
        | {
            "root text_share": lambda facts: facts.text_share**0.5,
            "root infographics_share": lambda facts: facts.infographics_share**0.5,
        }
        | {f"log number of {name}": length(name) for name in _LISTS}
        | {f"background {kind}": is_background(kind) for kind in _BACKGROUNDS}
        | {f"background_colours {name}": has_colour(name) for name in _COLOURS}
        | {f"{name} of text_lines": of_lines(name) for name in _OF_LINES}
        | {"width of height": lambda facts: facts.width / facts.height}
    )


_READINGS = _readings()
NAMES = tuple(_READINGS)
"""What each number of a fact vector is."""


def fact_vector(facts: Facts) -> np.ndarray:
    """float32 (len(NAMES),): counts and lengths of lists as log(1 + n), shares as they are, kinds as 0 or 1; NaN what
    is not known."""
    values = (read(facts) for read in _READINGS.values())
    return np.array([np.nan if value is None else value for value in values], np.float32)
