"""Studio backdrops, drawn: a wall and a surface to the words of a prompt, lit from one side. Seeded, no model."""

import re
from dataclasses import dataclass

import cv2
import numpy as np

from packshot.colour_words import COLOURS, colours_in

SURFACES: dict[str, str] = {
    "wood": r"wood\w*|oak|walnut|plank\w*|дерев\w*|дуб\w*|досо?к\w*",
    "marble": r"marble|мрамор\w*",
    "concrete": r"concrete|cement|stone|plaster|бетон\w*|цемент\w*|камен\w*|камн\w*|штукатур\w*",
    "fabric": r"fabric|linen|cloth|textile|silk|velvet|ткан\w*|л[её]н|льнян\w*|ш[её]лк\w*|бархат\w*",
    "table": r"surface|table\w*|desk|shelf|podium|interior|room|kitchen|image|стол\w*|полк\w*|поверхност\w*|подиум\w*|"
    r"интерьер\w*|кухн\w*|комнат\w*",
}
_GLOSS = {"marble": 0.22, "table": 0.08}
_WORDS = {
    "gradient": r"gradient|градиент\w*",
    "solid": r"solid|flat|plain|однотонн\w*|сплошн\w*",
    "dark": r"dark|night|moody|темн\w*|ночн\w*",
    "light": r"light|bright|airy|светл\w*|ярк\w*",
    "warm": r"warm|sunset|cosy|cozy|тепл\w*|уютн\w*|закат\w*",
    "cool": r"cool|cold|холодн\w*|прохладн\w*",
    "window": r"window|sunlight|sunny|окн\w*|солн\w*",
    "mirror": r"mirror\w*|gloss\w*|reflect\w*|lacquer\w*|зеркал\w*|глянц\w*|отражени\w*|лакиров\w*",
    "pastel": r"pastel|soft|calm|пастельн\w*|нежн\w*|спокойн\w*",
}


@dataclass(frozen=True, slots=True)
class BackdropStyle:
    """What a prompt asks for. Colours are RGB 0-255; `surface` a name in SURFACES, or empty for a seamless sweep;
    `gloss` in [0, 1]: how much of what stands on it the ground mirrors."""

    wall: tuple[float, float, float]
    floor: tuple[float, float, float]
    surface: str = ""
    gradient: bool = False
    solid: bool = False
    window: bool = False
    gloss: float = 0.0


def read_prompt(prompt: str, product_rgb: tuple[float, float, float], rng: np.random.Generator) -> BackdropStyle:
    """The style that the words of a prompt (English or Russian) ask for; what it leaves open suits the product.

    Without a colour word the wall is a calm colour across the colour circle from `product_rgb`.
    """
    text = prompt.lower().replace("ё", "е")
    # "light blue" and "window light" name a colour and a lamp, not a brightness.
    bright = re.sub(
        r"(?:window|side|soft|studio|natural)\s+light|light[- ](?:blue|gr[ea]y)|dark[- ](?:blue|gr[ea]y)", " ", text
    )
    said = {name: bool(re.search(rf"(?<!\w)(?:{words})(?!\w)", bright)) for name, words in _WORDS.items()}
    said["window"] |= bool(re.search(r"window\s+light", text))
    surface = next((name for name, words in SURFACES.items() if re.search(rf"(?<!\w)(?:{words})(?!\w)", text)), "")
    colours = [np.float32(c) for c in colours_in(prompt)]
    wall = colours[0] if colours else _calm(product_rgb, rng)
    if not colours and surface in ("concrete", "marble"):
        wall = np.float32((204, 203, 200))
    if said["dark"]:
        wall = wall * (0.6 if colours else 0.3)
    elif said["light"] and wall.mean() < 225:
        wall = wall + (np.float32([255, 255, 255]) - wall) * 0.35
    if said["pastel"]:
        wall = wall + (np.float32([250, 248, 246]) - wall) * 0.3
    tint = np.float32([10, 2, -12]) * said["warm"] + np.float32([-10, -1, 10]) * said["cool"]
    wall = np.clip(wall + tint, 6, 252)
    floor = colours[1] if len(colours) > 1 else _surface_colour(surface, wall, bool(colours), said["dark"])
    if surface and surface != "table" and colours and len(colours) == 1:
        # "white marble", "dark wood": the colour is the surface's; the wall keeps a quiet shade of it.
        wall = wall + (np.float32([228, 226, 222]) * (0.35 if said["dark"] else 1.0) - wall) * 0.35
    gloss = 0.45 if said["mirror"] else _GLOSS.get(surface, 0.0)
    return BackdropStyle(tuple(wall), tuple(floor), surface, said["gradient"], said["solid"], said["window"], gloss)


def _calm(product_rgb: tuple[float, float, float], rng: np.random.Generator) -> np.ndarray:
    hsv = cv2.cvtColor(np.float32([[product_rgb]]) / 255, cv2.COLOR_RGB2HSV)[0, 0]
    if hsv[1] < 0.18 or hsv[2] < 0.15:
        calm = [COLOURS["beige"], (214, 205, 196), (198, 206, 212), COLOURS["sage"]]
        return np.float32(calm[int(rng.integers(len(calm)))])
    value = 0.9 if hsv[2] < 0.75 else 0.78
    calm = np.float32([[[(hsv[0] + 180) % 360, 0.16, value]]])
    return cv2.cvtColor(calm, cv2.COLOR_HSV2RGB)[0, 0] * 255


def _surface_colour(surface: str, wall: np.ndarray, coloured: bool, dark: bool) -> np.ndarray:
    own = {"wood": (176, 128, 84), "marble": (234, 232, 229), "concrete": (168, 167, 164), "table": (196, 166, 136)}
    if surface == "wood":
        base = np.float32(own["wood"])
        base = base * 0.6 + wall * 0.4 if coloured else base
        return base * (0.45 if dark else 1.0)
    if surface == "fabric" or not surface or (coloured and surface != "table"):
        return wall
    return np.float32(own[surface]) * (0.3 if dark else 1.0)


def draw_backdrop(
    size_wh: tuple[int, int], style: BackdropStyle, ground: float, rng: np.random.Generator
) -> np.ndarray:
    """A backdrop, RGB float32 (H, W, 3) in [0, 255]. `ground` in [0, 1] is where things stand, from the top."""
    width, height = size_wh
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j].astype(np.float32)
    wall, floor = np.float32(style.wall), np.float32(style.floor)
    if style.solid and not style.surface and not style.gradient:
        return np.tile(wall, (height, width, 1))
    # The lamp stands at the upper left: a pool of light on the wall, and less of it the farther away.
    pool = np.exp(-(((x - 0.42) / 0.55) ** 2 + ((y - 0.36) / 0.5) ** 2))
    light = 0.86 + 0.2 * pool
    if style.gradient:
        slope = np.clip(0.2 * x + 0.8 * y, 0, 1)[..., None]
        deep = floor if not np.allclose(floor, wall) else wall * 0.62
        bright = wall + (255 - wall) * 0.3
        picture = bright * (1 - slope) + deep * slope
        return np.clip(picture * (0.95 + 0.07 * pool)[..., None], 0, 255)
    picture = wall * light[..., None]
    if style.window:
        picture *= _window(x, y, height)[..., None]
    depth = float(np.clip(0.3 * ground, 0.1, 0.26))
    horizon = float(np.clip(ground - depth, 0.35, 0.88))
    if style.surface:
        surface = _surface(style.surface, size_wh, horizon, floor, rng)
        shade = 0.8 + 0.2 * np.clip((y - horizon) / max(0.05, 1 - horizon), 0, 1) + 0.08 * (pool - 0.5)
        blend = _smooth((y - horizon) * height / max(2.0, 0.004 * height))
        # Where wall and surface meet it is a little darker.
        seam = 1 - 0.14 * np.exp(-(((y - horizon) / 0.02) ** 2))
        picture = (picture * (1 - blend[..., None]) + surface * shade[..., None] * blend[..., None]) * seam[..., None]
    else:
        # A paper sweep: the floor catches more light in front, and the bend is a soft darker band.
        bend = _smooth((y - horizon) / 0.09)
        lit = 1.0 + 0.05 * bend - 0.07 * np.exp(-(((y - horizon) / 0.11) ** 2))
        picture = (picture * (1 - bend[..., None]) + floor * (light * 0.5 + 0.5)[..., None] * bend[..., None]) * lit[
            ..., None
        ]
    grain = cv2.resize(rng.normal(0, 0.6, (min(height, 512), min(width, 512))).astype(np.float32), size_wh)
    return np.clip(picture + grain[..., None], 0, 255)


def _smooth(value: np.ndarray) -> np.ndarray:
    value = np.clip(0.5 + 0.5 * value, 0, 1)
    return value * value * (3 - 2 * value)


def _window(x: np.ndarray, y: np.ndarray, height: int) -> np.ndarray:
    """Brightness of a wall on which the sun throws a window with four panes, slanted and soft."""
    across, down = x + 0.22 * y - 0.2, y - 0.18 * x - 0.02
    panes = ((across > 0.05) & (across < 0.62) & (down > 0.05) & (down < 0.62)).astype(np.float32)
    panes[(np.abs(across - 0.335) < 0.014) | (np.abs(down - 0.335) < 0.014)] = 0
    return 0.88 + 0.2 * cv2.GaussianBlur(panes, (0, 0), max(1.0, 0.012 * height))


def _surface(
    name: str, size_wh: tuple[int, int], horizon: float, colour: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """A surface seen in perspective: its texture from above, laid out from the horizon to the lower edge."""
    width, height = size_wh
    texture = {"wood": _wood, "marble": _marble, "concrete": _concrete, "fabric": _fabric, "table": _wood}[name]
    top = texture(rng, 768, colour)
    y0 = horizon * height - 2
    source = np.float32([[0, 0], [768, 0], [768, 768], [0, 768]])
    spread = 0.55
    target = np.float32([[0, y0], [width, y0], [width * (1 + spread), height + 1], [-width * spread, height + 1]])
    matrix = cv2.getPerspectiveTransform(source, target)
    # Only the rows that show: above them coordinates run to infinity, and OpenCV reads past the texture.
    first = max(0, int(y0))
    down = np.float64([[1, 0, 0], [0, 1, -first], [0, 0, 1]])
    laid = np.empty((height, width, 3), np.float32)
    laid[first:] = cv2.warpPerspective(
        top, down @ matrix, (width, height - first), None, cv2.INTER_LINEAR, cv2.BORDER_REFLECT
    )
    laid[:first] = laid[first]
    # The far end is out of focus.
    soft = cv2.GaussianBlur(laid, (0, 0), max(0.8, 0.006 * height))
    near = np.clip((np.linspace(0, 1, height, dtype=np.float32) - horizon) / max(0.05, 0.6 * (1 - horizon)), 0, 1)
    return soft * (1 - near[:, None, None]) + laid * near[:, None, None]


def _noise(rng: np.random.Generator, side: int, cells_hw: tuple[int, int], octaves: int = 4) -> np.ndarray:
    """Smooth noise float32 (side, side), about [-1, 1]; `cells_hw` features down and across in the coarsest octave."""
    total, size = np.zeros((side, side), np.float32), 1.0
    for octave in range(octaves):
        shape = min(side, cells_hw[0] << octave), min(side, cells_hw[1] << octave)
        coarse = rng.uniform(-1, 1, shape).astype(np.float32)
        total += size * cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)
        size *= 0.5
    return total / 1.6


def _wood(rng: np.random.Generator, side: int, colour: np.ndarray) -> np.ndarray:
    """Boards that run towards the viewer."""
    boards = 6
    x = np.arange(side) * boards / side
    board = x.astype(int)
    shade = rng.uniform(0.9, 1.08, boards + 1).astype(np.float32)[board]
    shift = rng.integers(0, side, boards + 1)[board]
    long_grain = _noise(rng, side, (2, 96), 3)
    figure = _noise(rng, side, (3, 12), 3)
    rows = (np.arange(side)[:, None] + shift[None]) % side
    figure = figure[rows, np.arange(side)[None]]
    rings = np.sin(figure * 9 + (x % 1)[None] * 5)
    value = 1 + 0.05 * rings + 0.09 * long_grain[rows, np.arange(side)[None]]
    gap = np.minimum(x % 1, 1 - x % 1) * side / boards
    value = value * shade[None] * (1 - 0.45 * np.exp(-((gap / 1.6) ** 2)))[None]
    warm = np.float32([1.0, 0.97, 0.93])
    return np.clip(
        colour * value[..., None].astype(np.float32) * warm ** (1.0 - value[..., None].astype(np.float32)), 0, 255
    )


def _marble(rng: np.random.Generator, side: int, colour: np.ndarray) -> np.ndarray:
    y, x = np.mgrid[0 : 1 : side * 1j, 0 : 1 : side * 1j].astype(np.float32)
    warp = _noise(rng, side, (3, 3), 5)
    veins = np.zeros((side, side), np.float32)
    for scale, strength in ((2.2, 1.0), (4.6, 0.5)):
        turn = rng.uniform(0.5, 1.1)
        phase = (x * np.cos(turn) + y * np.sin(turn)) * scale + warp * 0.9 + rng.uniform()
        ridge = 1 - np.abs(np.sin(np.pi * phase))
        veins += strength * ridge**9 * np.clip(0.55 + _noise(rng, side, (4, 4), 3), 0, 1)
    clouds = _noise(rng, side, (4, 4), 5)
    dark = colour.mean() < 110
    ink = np.float32([226, 222, 214]) if dark else np.float32([132, 130, 130])
    share = np.clip(0.5 * veins, 0, 0.7)[..., None]
    return np.clip((colour * (1 + 0.035 * clouds[..., None])) * (1 - share) + ink * share, 0, 255)


def _concrete(rng: np.random.Generator, side: int, colour: np.ndarray) -> np.ndarray:
    value = 1 + 0.07 * _noise(rng, side, (4, 4), 6)
    value += rng.normal(0, 0.018, (side, side))
    pores = cv2.GaussianBlur((rng.random((side, side)) > 0.9985).astype(np.float32), (0, 0), 1.2)
    value -= 1.1 * pores
    return np.clip(colour * value[..., None].astype(np.float32), 0, 255)


def _fabric(rng: np.random.Generator, side: int, colour: np.ndarray) -> np.ndarray:
    y, x = np.mgrid[0:side, 0:side].astype(np.float32)
    weave = 0.5 * np.sin(x * 2 * np.pi / 6) + 0.5 * np.sin(y * 2 * np.pi / 6)
    folds = np.sin(_noise(rng, side, (2, 3), 3) * 5)
    value = 1 + 0.025 * weave + 0.075 * folds + 0.02 * _noise(rng, side, (64, 64), 2)
    return np.clip(colour * value[..., None].astype(np.float32), 0, 255)
