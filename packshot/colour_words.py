"""Colours and their names: what a colour is called, and which colour a prompt asks for, in English and Russian."""

import re

import cv2
import numpy as np

COLOURS: dict[str, tuple[int, int, int]] = {
    "white": (245, 245, 243),
    "light grey": (208, 209, 211),
    "grey": (140, 142, 145),
    "dark grey": (72, 74, 78),
    "black": (22, 22, 24),
    "red": (200, 36, 42),
    "orange": (238, 132, 38),
    "yellow": (244, 208, 56),
    "green": (60, 148, 72),
    "olive": (128, 128, 56),
    "mint": (178, 224, 204),
    "turquoise": (62, 182, 180),
    "light blue": (160, 204, 236),
    "blue": (40, 92, 188),
    "navy": (28, 42, 92),
    "purple": (112, 62, 158),
    "lilac": (198, 176, 224),
    "pink": (240, 176, 198),
    "magenta": (204, 40, 132),
    "burgundy": (116, 28, 48),
    "brown": (120, 78, 48),
    "beige": (226, 208, 182),
    "cream": (246, 236, 214),
    "gold": (202, 162, 78),
    "silver": (196, 199, 204),
    "terracotta": (196, 104, 76),
    "sage": (172, 186, 160),
    "peach": (250, 208, 180),
}
"""RGB of the colours that packshot has names for."""

_NAMED_BY_SIGHT = tuple(
    name for name in COLOURS if name not in ("gold", "silver", "sage", "peach", "terracotta", "cream", "olive")
)

_STEMS: tuple[tuple[str, str], ...] = (
    (r"light[- ]gr[ea]y|светло-?\s?сер\w*", "light grey"),
    (r"dark[- ]gr[ea]y|charcoal|graphite|темно-?\s?сер\w*|графит\w*", "dark grey"),
    (r"(?:light|sky|pale|baby)[- ]blue|голуб\w*", "light blue"),
    (r"navy|dark[- ]blue|темно-?\s?син\w*", "navy"),
    (r"white|бел(?:ый|ая|ое|ые|ом|ого|ую|ой)", "white"),
    (r"gr[ea]y|сер(?:ый|ая|ое|ые|ом|ого|ую|ой)", "grey"),
    (r"black|черн(?:ый|ая|ое|ые|ом|ого|ую|ой)", "black"),
    (r"red|красн\w*", "red"),
    (r"orange|оранжев\w*", "orange"),
    (r"yellow|желт\w*", "yellow"),
    (r"mint|мятн\w*", "mint"),
    (r"olive|оливков\w*", "olive"),
    (r"sage|шалфе\w*", "sage"),
    (r"green|зелен\w*", "green"),
    (r"turquoise|teal|aqua|бирюз\w*", "turquoise"),
    (r"blue|син(?:ий|яя|ее|ие|ем|его|юю|ей)", "blue"),
    (r"lilac|lavender|сирен\w*|лаванд\w*", "lilac"),
    (r"purple|violet|фиолет\w*", "purple"),
    (r"magenta|fuchsia|фукси\w*|малинов\w*", "magenta"),
    (r"pink|розов\w*", "pink"),
    (r"burgundy|maroon|wine|бордов\w*", "burgundy"),
    (r"brown|chocolate|коричнев\w*|шоколадн\w*", "brown"),
    (r"beige|sand|бежев\w*|песочн\w*", "beige"),
    (r"cream|ivory|кремов\w*|молочн\w*", "cream"),
    (r"gold(?:en)?|золот\w*", "gold"),
    (r"silver|серебр\w*", "silver"),
    (r"terracotta|терракот\w*", "terracotta"),
    (r"peach|персик\w*", "peach"),
)


def colours_in(prompt: str) -> list[tuple[int, int, int]]:
    """RGB of the colours that a prompt names, in its order."""
    text = prompt.lower().replace("ё", "е")
    found: list[tuple[int, tuple[int, int, int]]] = []
    for pattern, name in _STEMS:

        def note(match: re.Match[str], name: str = name) -> str:
            found.append((match.start(), COLOURS[name]))
            return " " * len(match.group())

        text = re.sub(rf"(?<!\w)(?:{pattern})(?!\w)", note, text)
    return [colour for _, colour in sorted(found)]


def names_of(pixels: np.ndarray, most: int = 3) -> list[tuple[str, float]]:
    """The commonest named colours among `pixels` RGB uint8 (n, 3) and their shares, largest first."""
    if not len(pixels):
        return []
    lab = cv2.cvtColor(pixels.reshape(1, -1, 3).astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[0]
    known = np.float32([[COLOURS[name] for name in _NAMED_BY_SIGHT]]) / 255
    centres = cv2.cvtColor(known, cv2.COLOR_RGB2LAB)[0]
    weight = np.float32([0.6, 1.2, 1.2])
    nearest = np.linalg.norm((lab[:, None] - centres[None]) * weight, axis=2).argmin(axis=1)
    shares = np.bincount(nearest, minlength=len(centres)) / len(pixels)
    order = np.argsort(-shares, kind="stable")[:most]
    return [(_NAMED_BY_SIGHT[i], float(shares[i])) for i in order if shares[i] > 0]
