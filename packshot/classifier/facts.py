"""What can be measured on a photo and told to its seller: writing, its words, the background, the product.

From the photo, its text boxes and its segmentation. What is not known is None, or a bound that its name says.
"""

from dataclasses import asdict, dataclass, field
from typing import Any

import cv2
import numpy as np

from packshot.artifacts import Segmentation, Texts
from packshot.background import find_frame, reduce, to_lab
from packshot.classifier.words import foreign_share, read_wording
from packshot.classifier.writing import Layout, Line, read_layout
from packshot.colour_words import names_of

SMALL_TEXT = 0.0135
"""Letters lower than this share of the photo's height are small: about 6 px on a phone that shows it 450 px high."""
FAINT_CONTRAST = 2.5
"""Less than the 3 that WCAG 2.2 (1.4.3) asks of large text, since compression and blur take some of a photo's."""
_LEAST_PRODUCT = 0.004
_EVEN_BORDER, _EVEN_INSIDE = 0.92, 0.95
"""How much of the border, and of what is neither product nor infographics, one smooth colour makes up where the
background is even."""
_TOLD = 0.75
"""Of the border: with less of one smooth colour, masks by colour alone do not tell what is product."""
_CODE_SIDE = 640
"""px; the long side at which codes are looked for: one that is lost there is too small to scan."""


@dataclass(slots=True)
class Facts:
    """Shares are of the photo's area unless they say of what, in [0, 1]; heights px of the photo.

    `text_lines` and what follows count writing that is not the product's own. `unread_lines` of them are in a script
    that the reader does not know, or unclear: lists of words hold what was read, and are complete only without any.
    `foreign_least`, `foreign_most`: bounds of the share of the writing, by length, that is not in the market's
    language; equal where all was read. `small_lines`, `faint_lines`: lower than SMALL_TEXT, fainter than
    FAINT_CONTRAST. `background`: even, gradient, uneven, several colours, or busy; `background_range`: how far its
    lightness (of 100) ranges, without the outer tenths; `background_chroma`: how colourful (Lab; above 40 is loud).
    `product_share` and `product_cut` (sides of the photo that cut it) are None where the product could not be told.
    `sharpness` in [0, 1]: 1 less the blur of Crete et al. 2007, of the product, else of the photo.
    """

    width: int
    height: int
    text_lines: int
    unread_lines: int
    pack_lines: int
    text_share: float
    infographics_share: float
    smallest_text_px: float | None
    smallest_text_share: float | None
    small_lines: int
    faintest_contrast: float | None
    faint_lines: int
    framed_lines: int
    foreign_least: float | None
    foreign_most: float | None
    foreign_words: list[str]
    price_words: list[str]
    claims: list[str]
    codes: list[str]
    paper_words: list[str]
    placeholder_words: list[str]
    words: int
    other_words: int
    number_lines: int
    qr_codes: int
    bar_codes: int
    background: str
    background_colours: list[str] = field(default_factory=list)
    background_range: float | None = None
    background_chroma: float | None = None
    frame_sides: int = 0
    product_share: float | None = None
    product_cut: list[str] | None = None
    sharpness: float = 0.0

    def as_json(self) -> dict[str, Any]:
        return {k: round(v, 4) if isinstance(v, float) else v for k, v in asdict(self).items()}


def measure_facts(image: np.ndarray, texts: Texts, segmentation: Segmentation, language: str = "ru") -> Facts:
    """The facts about a photo, RGB uint8 (H, W, 3), with its own texts and segmentation. `language` is the market's."""
    layout = read_layout(image, texts, segmentation)
    own = [line for line in layout.lines if not line.on_product]
    facts = Facts(
        width=image.shape[1],
        height=image.shape[0],
        pack_lines=len(layout.lines) - len(own),
        text_share=float(layout.writing.mean()),
        infographics_share=float(layout.infographics.mean()),
        **_of_lines(own, image.shape[0]),
        **_of_words(own, layout.lines, language),
        **_codes(image),
        **_background(layout),
    )
    _add_product(facts, image, layout, segmentation)
    return facts


def _of_lines(own: list[Line], photo_height: int) -> dict[str, Any]:
    heights = [line.height for line in own]
    contrasts = [line.contrast for line in own]
    smallest = min(heights, default=None)
    return {
        "text_lines": len(own),
        "unread_lines": sum(not line.box.readable for line in own),
        "smallest_text_px": smallest,
        "smallest_text_share": None if smallest is None else smallest / photo_height,
        "small_lines": sum(height < SMALL_TEXT * photo_height for height in heights),
        "faintest_contrast": min(contrasts, default=None),
        "faint_lines": sum(contrast < FAINT_CONTRAST for contrast in contrasts),
        "framed_lines": sum(line.framed for line in own),
    }


def _of_words(own: list[Line], lines: list[Line], language: str) -> dict[str, Any]:
    read = [line.box.text for line in own if line.box.readable]
    found = read_wording(read, language)
    # A sticker with a price may lie on the product, and a certificate is taken for one; packs have neither.
    everywhere = read_wording([line.box.text for line in lines if line.box.readable], language)
    lengths = [_length(line) for line in own]
    foreign = [
        length * foreign_share(line.box.text, language)
        for line, length in zip(own, lengths, strict=True)
        if line.box.readable
    ]
    unread = sum(length for line, length in zip(own, lengths, strict=True) if not line.box.readable)
    total = sum(lengths)
    return {
        "foreign_least": sum(foreign) / total if total else None,
        "foreign_most": (sum(foreign) + unread) / total if total else None,
        "foreign_words": list(dict.fromkeys(found.foreign))[:12],
        "price_words": list(dict.fromkeys(everywhere.price)),
        "claims": list(dict.fromkeys(found.claims)),
        "codes": list(dict.fromkeys(found.codes)),
        "paper_words": list(dict.fromkeys(everywhere.papers)),
        "placeholder_words": everywhere.placeholder,
        "words": found.words,
        "other_words": found.other_words,
        "number_lines": found.numbers,
    }


def _length(line: Line) -> float:
    """A line's length in its own heights: about how many letters it has, whether or not they can be read."""
    quad = line.box.quad
    sides = np.linalg.norm(quad[0] - quad[1]), np.linalg.norm(quad[0] - quad[3])
    return float(max(sides) / max(1.0, min(sides)))


def _codes(image: np.ndarray) -> dict[str, int]:
    """QR codes that OpenCV finds, and whether it can read a bar code; what only looks like one is often a texture."""
    grey = cv2.cvtColor(reduce(image, _CODE_SIDE), cv2.COLOR_RGB2GRAY)
    found, corners = cv2.QRCodeDetector().detectMulti(grey)
    qr = len(corners) if found else 0
    read, _, _ = cv2.barcode.BarcodeDetector().detectAndDecode(grey)
    return {"qr_codes": qr, "bar_codes": int(bool(read))}


def _background(layout: Layout) -> dict[str, Any]:
    background, small = layout.background, layout.small
    mask = background.mask & ~layout.infographics & ~layout.product
    if not mask.any():
        mask = background.mask if background.mask.any() else ~layout.product
    pixels = small[mask] if mask.any() else small.reshape(-1, 3)
    colours = [name for name, share in names_of(pixels[:: 1 + len(pixels) // 2000]) if share > 0.15]
    lab = background.lab[mask] if mask.any() else background.lab.reshape(-1, 3)
    low, high = np.percentile(lab[:, 0], [10, 90])
    chroma = float(np.median(np.linalg.norm(lab[:, 1:], axis=1)))
    spread = float(high - low)
    outside = ~layout.product & ~layout.infographics & ~background.frame
    followed = (background.mask & outside).sum() / max(1, outside.sum())
    if background.busy:
        kind = "busy"
    elif background.modes > 1:
        kind = "several colours"
    elif _explained(layout) < _EVEN_BORDER or followed < _EVEN_INSIDE:
        kind = "uneven"
    else:
        kind = "even" if spread <= 5 else "gradient"
    return {
        "background": kind,
        "background_colours": colours,
        "background_range": spread,
        "background_chroma": chroma,
        "frame_sides": _frame_sides(layout),
    }


def _explained(layout: Layout) -> float:
    """How much of the border has the background's colour, or belongs to a product that runs over one side."""
    product, explained = layout.product, layout.background.explained
    sides = _cut_at(product)
    if len(sides) == 1:
        edge = {"left": product[:, 0], "right": product[:, -1], "top": product[0], "bottom": product[-1]}[sides[0]]
        explained += float(edge.sum()) / (2 * sum(product.shape))
    return explained


def _frame_sides(layout: Layout) -> int:
    """How many sides of the photo have a strip of another colour along them."""
    frame = find_frame(to_lab(layout.small))
    return sum(bool(strip.mean() > 0.9) for strip in (frame[:2], frame[-2:], frame[:, :2], frame[:, -2:]))


def _add_product(facts: Facts, image: np.ndarray, layout: Layout, segmentation: Segmentation) -> None:
    product = layout.product
    share = float(product.mean())
    background = layout.background
    told = background.modes == 1 and background.explained > _TOLD
    if float(segmentation.scores[1]) >= (0.35 if told else 0.9):
        facts.product_share = share
        facts.product_cut = _cut_at(product) if share >= _LEAST_PRODUCT else []
    window = image
    if share >= _LEAST_PRODUCT:
        rows, cols = np.flatnonzero(product.any(axis=1)), np.flatnonzero(product.any(axis=0))
        scale = image.shape[0] / product.shape[0]
        y0, y1, x0, x1 = (int(v * scale) for v in (rows[0], rows[-1] + 1, cols[0], cols[-1] + 1))
        window = image[y0 : max(y1, y0 + 8), x0 : max(x1, x0 + 8)]
    facts.sharpness = 1 - blur_of(cv2.cvtColor(window, cv2.COLOR_RGB2GRAY))


def _cut_at(product: np.ndarray) -> list[str]:
    """Sides of the photo along which a product runs for a tenth of the side or more."""
    edges = {"left": product[:, :2], "right": product[:, -2:], "top": product[:2].T, "bottom": product[-2:].T}
    return [name for name, strip in edges.items() if strip.any(axis=1).mean() > 0.1]


def blur_of(grey: np.ndarray) -> float:
    """Perceptual blur in [0, 1] of uint8 (h, w); 0 is sharp. How much of the variation between neighbours goes when the
    picture is blurred once more: Crete, Dolmiere, Ladret, Nicolas, "The blur effect", 2007."""
    grey = grey.astype(np.float32)
    worst = 0.0
    for axis in (0, 1):
        size_wh = (1, 9) if axis == 0 else (9, 1)
        sharp = np.abs(np.diff(grey, axis=axis))
        blurred = np.abs(np.diff(cv2.blur(grey, size_wh), axis=axis))
        total = float(sharp.sum())
        if total > 0:
            lost = float(np.maximum(sharp - blurred, 0).sum())
            worst = max(worst, (total - lost) / total)
    return worst
