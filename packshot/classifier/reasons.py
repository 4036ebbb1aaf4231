"""The rubric's clauses that a photo's facts trip, in words that its seller can act on.

They are stated beside the network's verdict and come from the facts alone; where the two disagree, that is said. No
text holds "; ", which joins them in photos.csv.
"""

from packshot.artifacts import Reason
from packshot.classifier.facts import FAINT_CONTRAST, SMALL_TEXT, Facts
from packshot.languages import LANGUAGES

MOST_COVERED = 0.5
MOST_FOREIGN = 0.5
"""Both are the rubric's own limits."""
SMALL_LINES = 0.3
FAINT_LINES = 0.34
"""Shares of the lines from which print counts as tiny or faint: a line of small print under large text is usual."""
MOST_FRAMED = 0.2
"""Share of the lines with a frame up to which text counts as bare."""
LOUD_CHROMA = 40.0
BLURRED = 0.3
_FEW_WORDS = 2
_CALM = ("even", "gradient")
_OTHER, _BAD, _GOOD = "other_infographics", "bad_infographics", "good_infographics"
_CLEAN_GOOD, _CLEAN_BAD = "clean_photo_good_background", "clean_photo_bad_background"


def explain_verdict(facts: Facts, verdict: str, probability: float, language: str = "ru") -> list[Reason]:
    """What the facts say, gravest first; at the end whether they contradict `verdict`. `language` is the market's."""
    reasons = _other(facts)
    # The words of papers, placeholders and claims are no characteristics that a frame would help.
    reasons += _bad(facts, language) + ([] if reasons else _bare(facts))
    has_text = facts.text_lines > 0
    if has_text:
        reasons += _summed_up(facts, sound=not reasons)
    elif not reasons:
        reasons += _clean(facts)
    reasons += _product(facts)
    pointed = next((reason.points_to for reason in reasons if reason.points_to), None)
    said = f"but the classifier says {_words(verdict)} ({_percent(probability)})"
    if pointed and pointed != verdict:
        reasons.append(Reason("contradiction", f"{said}, and the figures point to {_words(pointed)}", None))
    elif has_text and verdict.startswith("clean_photo"):
        reasons.append(Reason("contradiction", f"{said}, although there is text", None))
    return reasons


def _other(facts: Facts) -> list[Reason]:
    found = []
    if facts.price_words:
        found.append(
            Reason(
                "price_or_delivery", f"price or delivery is named: {_quoted(facts.price_words)} (never allowed)", _OTHER
            )
        )
    if facts.placeholder_words:
        found.append(Reason("placeholder", f"a placeholder, no photo: {_quoted(facts.placeholder_words)}", _OTHER))
    if facts.qr_codes:
        found.append(Reason("qr_code", f"{_count(facts.qr_codes, 'QR code')} on the photo (never allowed)", _OTHER))
    if facts.paper_words:
        named = _quoted(facts.paper_words)
        found.append(Reason("papers", f"a scheme, table, instruction, certificate or set is shown: {named}", _OTHER))
    praise = facts.claims and not facts.other_words and not facts.unread_lines and not facts.codes
    if praise and not facts.price_words:
        found.append(
            Reason("only_claims", f"the text only praises, and states no fact: {_quoted(facts.claims)}", _OTHER)
        )
    return found


def _bad(facts: Facts, language: str) -> list[Reason]:
    lines, found = facts.text_lines, []
    if not lines:
        return found
    if facts.infographics_share > MOST_COVERED:
        what = "text covers" if facts.text_share > MOST_COVERED else "text, plates and icons cover"
        found.append(
            Reason(
                "covers_half",
                f"{what} {_percent(facts.infographics_share)} of the photo (at most 50 % is allowed)",
                _BAD,
            )
        )
    if facts.foreign_least is not None and facts.foreign_least > MOST_FOREIGN:
        exact = facts.foreign_most is not None and facts.foreign_most - facts.foreign_least < 0.005
        share = ("" if exact else "at least ") + _percent(facts.foreign_least)
        words = f": {_quoted(facts.foreign_words)}" if facts.foreign_words else ""
        found.append(
            Reason(
                "foreign_text",
                f"{share} of the text is not in {LANGUAGES[language].name}{words} (at most 50 % is allowed)",
                _BAD,
            )
        )
    if facts.small_lines >= max(SMALL_LINES * lines, min(lines, 2)):
        some = "the text is" if lines == 1 else f"{facts.small_lines} of {lines} lines are"
        found.append(
            Reason(
                "tiny_text",
                f"{some} too small: the smallest letters are {facts.smallest_text_px:.0f} px high "
                f"(at least {SMALL_TEXT * facts.height:.0f} px is wanted, {_percent(SMALL_TEXT, 1)} of the photo's "
                "height)",
                _BAD,
            )
        )
    if facts.faint_lines >= FAINT_LINES * lines:
        some = "the text is" if lines == 1 else f"{facts.faint_lines} of {lines} lines are"
        found.append(
            Reason(
                "faint_text",
                f"{some} faint: the weakest contrast with what is behind is {facts.faintest_contrast:.1f} : 1 (at "
                f"least {FAINT_CONTRAST:g} : 1 is wanted)",
                _BAD,
            )
        )
    if facts.codes and not facts.unread_lines and facts.other_words <= _FEW_WORDS:
        found.append(Reason("article_numbers", f"{_quoted(facts.codes)}: codes that no words explain", _BAD))
    elif facts.bar_codes and facts.words <= _FEW_WORDS:
        found.append(Reason("article_numbers", "a bar code that no words explain", _BAD))
    silent = not facts.words and not facts.unread_lines and not facts.price_words and not facts.claims
    if facts.number_lines and silent:
        numbers = _count(facts.number_lines, "number")
        found.append(Reason("unnamed_dimensions", f"{numbers} without a word that says what is measured", _BAD))
    return found


def _bare(facts: Facts) -> list[Reason]:
    """A brand's plate frames no characteristic: some lines may have one."""
    lines, framed = facts.text_lines, facts.framed_lines
    # On a busy background plates are missed too often for their absence to mean anything.
    if not lines or framed > MOST_FRAMED * lines or facts.background not in (*_CALM, "uneven"):
        return []
    some = "none of the" if not framed else f"{lines - framed} of the"
    some = "the text has no" if lines == 1 else f"{some} {lines} lines of text " + ("have no" if framed else "has a")
    return [Reason("bare_text", f"{some} plate, outline, icon or pointer line (bare text)", _BAD)]


def _summed_up(facts: Facts, sound: bool) -> list[Reason]:
    """The writing in figures where no rule is broken, and what is unknown for want of reading."""
    found = []
    lines, unread = facts.text_lines, facts.unread_lines
    if sound:
        framed = "framed" if facts.framed_lines == lines else f"{facts.framed_lines} framed"
        text = (
            f"{_count(lines, 'line')} of text, {framed}, letters {facts.smallest_text_px:.0f} px high or more, "
            f"{_percent(facts.infographics_share)} of the photo covered: nothing that can be measured is against it"
        )
        found.append(Reason("nothing_against", text, None if unread else _GOOD))
    if unread:
        some = "the text" if lines == unread == 1 else f"{unread} of {_count(lines, 'line')} of text"
        price = "" if facts.price_words else "whether a price is named, and "
        text = f"{some} could not be read: {price}in which language it is written is unknown"
        found.append(Reason("unread_text", text, None))
    return found


def _clean(facts: Facts) -> list[Reason]:
    colours = " and ".join(facts.background_colours[:2]) or "mixed"
    if facts.frame_sides >= 2:
        text = f"a frame runs along {facts.frame_sides} sides of the photo"
        return [Reason("frame", text, _CLEAN_BAD)]
    if facts.background not in _CALM:
        text = f"the background is not even ({colours}): fine only if it is a professional picture of a setting"
        return [Reason("busy_background", text, None)]
    if (facts.background_chroma or 0) > LOUD_CHROMA:
        return [
            Reason("loud_background", f"the background is loud: {colours} (white, grey or beige is calm)", _CLEAN_BAD)
        ]
    how = "even" if facts.background == "even" else "a calm gradient"
    return [
        Reason("calm_background", f"no text beside the product, and the background is {how}: {colours}", _CLEAN_GOOD)
    ]


def _product(facts: Facts) -> list[Reason]:
    found = []
    if facts.product_cut:
        sides = " and ".join(facts.product_cut)
        found.append(
            Reason("product_cut", f"the product runs into the photo's edge: {sides} (all of it must be seen)", None)
        )
    if facts.sharpness < BLURRED:
        found.append(Reason("blurred", f"the picture is blurred: sharpness {facts.sharpness:.2f} of 1", None))
    return found


def _quoted(words: list[str], most: int = 4) -> str:
    shown = ", ".join(f"“{word}”" for word in words[:most])
    return shown + (f" and {len(words) - most} more" if len(words) > most else "")


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _percent(share: float, digits: int = 0) -> str:
    return f"{100 * share:.{digits}f} %"


def _words(verdict: str) -> str:
    return verdict.replace("_", " ")
