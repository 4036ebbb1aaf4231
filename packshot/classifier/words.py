"""What words on a photo are about: price and delivery, claims, codes, documents; and whether they are the market's own.

Word lists are Russian and English, whatever the market: sellers mix them.
"""

import re
from dataclasses import dataclass, field

from packshot.languages import LANGUAGES, to_cyrillic


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(rf"(?<!\w)(?:{pattern})(?!\w)" for pattern in patterns), re.IGNORECASE)


PRICE = _any(
    r"скидк\w+(?: [-−–—]?\d{1,2}\s?%)?", r"распродаж\w*", r"акци[яиюей]\w?", r"к[еэ]шб[эе]к\w*(?: \d{1,2}\s?%)?",
    r"подар(?:ок|к)\w*",
    r"бесплатн\w+",
    r"доставк\w+(?: за)?(?: \d+ \w+)?", r"достав(?:им|ят|ляем)\w*(?: завтра)?", r"рассрочк\w+", r"промокод\w*",
    r"ч[её]рн\w+ пятниц\w+", r"\d по цене \d",
    r"(?:лучш|выгодн|низк)\w+ цен\w+", r"цен\w+ снижен\w+",
    r"цен[аыуе]\w?", r"дешевле", r"\d[\d\s.,]*(?:руб\w*|р\.?|₽|rub|\$|€)", r"₽", r"[-−–—]\s?\d{1,2}\s?%",
    r"до\s+[-−–—]?\d{1,2}\s?%", r"1\s?\+\s?1\s?=\s?\d", r"sale", r"discounts?", r"cash\s?back",
    r"free (?:delivery|shipping|gift)",
    r"gift", r"\d{1,2}\s?% off", r"black friday", r"promo(?: ?code)?", r"special offer", r"(?:best|low|lowest) price",
)  # fmt: skip
"""Discounts, prices, gifts, delivery. A percentage alone is none of them: "100 % cotton"."""

CLAIMS = _any(
    r"хит(?: продаж)?", r"топ", r"новинк\w+", r"гаранти\w+(?: качества|(?: \d+ \w+))?", r"№\s?1", r"no\.? ?1",
    r"лучш\w+ \w+",
    r"выбор покупател\w+", r"премиум(?: качеств\w+)?", r"бестселлер\w*", r"100\s?% качеств\w+", r"оригинал",
    r"0?18\s?\+",
    r"new", r"hit", r"top", r"best(?:seller)?", r"wow", r"premium(?: quality)?", r"guarantee\w*", r"original",
    r"качеств[оа]",
)  # fmt: skip
"""Claims that praise and tell nothing."""

PAPERS = _any(
    r"сертификат\w*", r"декларация о соответствии", r"свидетельство", r"диплом", r"certificate",
    r"таблица\w*(?: размеров)?",
    r"размерная сетка", r"технические данные", r"инструкция", r"порядок (?:установки|сборки)", r"как пользоваться",
    r"способ применения", r"схема(?: \w+)?", r"чертеж", r"чертёж", r"габаритные размеры", r"комплектация", r"в наборе",
    r"состав набора", r"линейка продуктов", r"вся серия", r"size chart", r"specifications?", r"instructions?",
    r"assembly",
)  # fmt: skip
"""Titles of schemes, tables, instructions, certificates, contents of a set."""

PLACEHOLDER = _any(
    r"фото (?:скоро появится|временно недоступно|отсутствует)", r"нет фото", r"фотография готовится",
    r"изображение отсутствует", r"(?:photo|image) coming soon", r"no (?:photo|image)(?: available)?",
)  # fmt: skip

CODE = re.compile(
    r"(?<!\w)(?:(?:арт(?:икул)?|art|sku|код|мод(?:ель)?|model|ту|гост|din|iso|ral|ip)\.?\s*:?\s*[№#]?\s*(?=[\w/.-]*\d)[\w/.-]+"
    r"|(?=[\w/-]*\d\w*)(?=[\w/-]*[a-zа-яё])[a-zа-яё]{1,5}(?:\d{2,}|[-/]\d)[\w/.-]*|\d{8,14})(?!\w)",
    re.IGNORECASE,
)
"""Article numbers, standards, codes of letters and digits, numbers under bar codes."""

_TITLE_WORDS = 4
_WORD = re.compile(r"[^\W\d_]+")
_QUANTITY = re.compile(r"\d[\d.,\s]*(?:мл|г|кг|л|см|мм|м|м²|шт|вт|ч|мес|ml|g|kg|l|cm|mm|m|pcs|w|h)?\b", re.IGNORECASE)


@dataclass(slots=True)
class Wording:
    """What the lines that were read say; what is unread is in none of it."""

    price: list[str] = field(default_factory=list)
    claims: list[str] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    papers: list[str] = field(default_factory=list)
    placeholder: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    words: int = 0
    other_words: int = 0
    numbers: int = 0


def read_wording(lines: list[str], market: str) -> Wording:
    """Sort what `lines` say. `market` is a code of `LANGUAGES`.

    `words`: words of two letters and more; `other_words`: those that belong to no price, claim or code;
    `numbers`: lines that hold numbers and not one word; `foreign`: words with a letter of no script of the market's.
    """
    found = Wording()
    for line in lines:
        text = mend(line)
        rest = text
        title = len(text.split()) <= _TITLE_WORDS
        for kind, pattern in (
            ("placeholder", PLACEHOLDER), ("papers", PAPERS), ("price", PRICE), ("claims", CLAIMS), ("codes", CODE)
        ):  # fmt: skip
            hits = [
                hit.group().strip() for hit in pattern.finditer(rest) if kind != "papers" or title and not hit.start()
            ]
            getattr(found, kind).extend(hits)
            rest = pattern.sub(" ", rest)
        words = words_of(text)
        found.words += len(words)
        found.other_words += len(words_of(rest))
        found.numbers += not words and any(c.isdigit() for c in text)
        found.foreign += [word for word in words_of(rest) if is_foreign(word, market)]
    return found


def mend(text: str) -> str:
    """A line with Latin letters made Cyrillic where a word has letters of both scripts."""
    cyrillic = LANGUAGES["ru"].letter
    return " ".join(to_cyrillic(w) if cyrillic.search(w) else w for w in text.split())


def words_of(text: str) -> list[str]:
    """Words of two letters and more, ideographs one by one being words too; units after numbers are none."""
    return [w for w in _WORD.findall(_QUANTITY.sub(" ", text)) if len(w) > 1 or not w.isascii() and ord(w) > 0x2E80]


def is_foreign(word: str, market: str) -> bool:
    """Whether a word has no letter of the market's script."""
    return not LANGUAGES[market].letter.search(word)


def foreign_share(text: str, market: str) -> float:
    """The share in [0, 1] of a line's letters that stand in foreign words; 0 where it has none. Sale and hit are
    understood everywhere."""
    words = words_of(CLAIMS.sub(" ", PRICE.sub(" ", text)))
    letters = sum(len(w) for w in words)
    return sum(len(w) for w in words if is_foreign(w, market)) / letters if letters else 0.0
