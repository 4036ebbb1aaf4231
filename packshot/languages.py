"""The market's language: which letters its words are written in, and what Tesseract calls it."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Language:
    """`letter` matches one letter of the market's script; `tesseract` names Tesseract's models, best first."""

    name: str
    letter: re.Pattern[str]
    tesseract: tuple[str, ...]


LANGUAGES = {
    "ru": Language("Russian", re.compile(r"[а-яё]", re.IGNORECASE), ("rus", "eng")),
    "en": Language("English", re.compile(r"[a-z]", re.IGNORECASE), ("eng",)),
}
"""By the code that a profile's `language` gives."""

_LOOKALIKES = str.maketrans("ABCEHKMOPTXaceopxykmhtu", "АВСЕНКМОРТХасеорхукмнти")
_CYRILLIC = LANGUAGES["ru"].letter
HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")


def to_cyrillic(word: str) -> str:
    """A word in which a reader took Cyrillic letters for Latin ones, made Cyrillic where all of it can be; a longer
    word of Latin letters only is one of another language."""
    if len(word) > 3 and word.isascii():
        return word
    made = word.translate(_LOOKALIKES)
    letters = [c for c in made if c.isalpha()]
    return made if letters and all(_CYRILLIC.match(c) for c in letters) else word
