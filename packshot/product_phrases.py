"""What CLIP chooses from to describe a product: what it is, material, colour, use. And noun phrases out of a caption.

The published method ranked artists' names and "trending on …" too; a shop's photo has neither.
"""

import re

KINDS = """
    air fryer|alarm clock|armchair|backpack|baking tray|ball|barbecue|baseball cap|basket|bath mat|battery|bed|
    bed linen|bedside table|belt|bicycle|blanket|blender|blouse|board game|book|bookcase|boots|bottle|bowl|bra|
    bracelet|bucket|building blocks|cable|camera|candle|car seat|car tyre|cardigan|carpet|cat food|chair|
    chandelier|charger|chest of drawers|chocolate|coat|coffee beans|coffee machine|construction set|cookie tin|
    cosmetics|cup|curtain|cushion|cutlery|desk lamp|detergent|dog food|doll|door handle|dress|drill|drone|
    dumbbell|duvet|earphones|earrings|electric kettle|extension lead|face cream|fan|faucet|fishing rod|
    flash drive|flashlight|flower pot|food container|frying pan|game console|garden hose|glasses|gloves|glue|
    grill|guitar|hair dryer|hammer|handbag|headphones|heater|helmet|high heels|hoodie|jacket|jar|jeans|
    jigsaw puzzle|juicer|keyboard|knife|ladder|lamp|laptop|laundry basket|light bulb|lipstick|lunch box|
    makeup brush|mattress|medicine|memory card|microphone|microwave oven|mirror|mobile phone|monitor|motor oil|
    mouse|mug|multicooker|nail polish|necklace|notebook|nuts|ottoman|oven|pacifier|paint|pan lid|pen|
    pencil case|perfume|pet bed|phone case|photo frame|pillow|plastic bag|plate|plush toy|pot|power bank|
    power tool|printer|pyjamas|razor|refrigerator|ring|robot vacuum cleaner|router|rug|running machine|sandals|
    saucepan|saw|scarf|school bag|screwdriver set|sewing machine|shampoo|shelf|shirt|shoe rack|shower head|
    skateboard|skirt|sleeping bag|slippers|smart watch|sneakers|soap|socks|sofa|soft drink|spare part|speaker|
    sponge|stationery|sticker|storage box|stroller|suitcase|sunglasses|sweater|swimsuit|t-shirt|table|
    tablecloth|tablet computer|tape measure|tea|teapot|television|tent|thermos|tights|toaster|toilet paper|
    tools|toothbrush|toothpaste|towel|toy|toy car|tracksuit|trousers|umbrella|underwear|vacuum cleaner|vase|
    vitamins|wallet|wallpaper|wardrobe|washing machine|water filter|wine glass|wrist watch|yoga mat
"""
MATERIALS = """
    plastic|metal|stainless steel|aluminium|wood|glass|ceramic|porcelain|leather|artificial leather|cotton|wool|
    denim|silk|polyester|knitted fabric|velvet|fur|rubber|silicone|paper|cardboard|stone|concrete|rattan|bamboo|
    gold|silver|foam
"""
COLOURS = """
    white|black|grey|beige|brown|red|orange|yellow|green|turquoise|light blue|blue|purple|pink|golden|silvery|
    transparent|multicoloured
"""
USES = """
    kitchen|bathroom|bedroom|living room|office|garden|car|travel|sport|children|babies|pets|school|beauty|
    repairs|cleaning|clothing|electronics|food|a party|camping|health
"""

GROUPS: dict[str, tuple[str, str]] = {
    "kind": ("a photo of a {}, a product", KINDS),
    "material": ("a product made of {}", MATERIALS),
    "colour": ("a {} product", COLOURS),
    "use": ("a product for {}", USES),
}
"""By group: the sentence that CLIP compares, and the phrases that go into it."""

_BREAKS = frozenset(
    """
    a an the this that these those its his her their some any each every and or with without of in on at by for
    from to into onto over under near next behind before between beside against around through up down off out
    is are was were be being been has have having that's it's there which who while as like very not no one two
    three four five six seven several many few pair set front back top bottom side sitting standing lying
    laying hanging holding showing displayed shown placed made used wearing using featuring containing filled
    covered isolated
    """.split()
)
_SCENERY = frozenset(
    """
    background backdrop picture image photo photograph view close-up closeup wall floor surface shadow
    reflection hand hands person man woman arafed araffe word words text logo letters inscription camera
    screenshot
    """.split()
)


def phrases_of(group: str) -> tuple[str, ...]:
    """The phrases of a group, in a fixed order."""
    return tuple(phrase.strip() for phrase in GROUPS[group][1].replace("\n", "").split("|"))


def noun_phrases(caption: str, most: int = 6) -> list[str]:
    """Noun phrases of an English caption, first named first: what stands between function words, at most three words,
    without scenery. "a bottle of shampoo with a blue pump on a white background" gives bottle, shampoo, blue pump."""
    found: list[str] = []
    chunk: list[str] = []
    for word in [*re.findall(r"[a-z][a-z'-]*|[.,;:]", caption.lower()), "."]:
        if word in _BREAKS or not word[0].isalpha():
            phrase = " ".join(chunk[-3:])
            if chunk and chunk[-1] not in _SCENERY and len(chunk[-1]) > 2 and phrase not in found:
                found.append(phrase)
            chunk = []
        else:
            chunk.append(word)
    return found[:most]
