"""Elements that designers lay over a product photo. Each is drawn on a board and noted with its box and kind."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from packshot.synth.colours import Palette, luminance, mixed, readable_on
from packshot.synth.lettering import FONTS, draw_text, fitted_size, text_size, wrap
from packshot.synth.raster import Colour, Layer, ellipse_points, rounded_points

Box = tuple[float, float, float, float]


@dataclass
class Board:
    """The transparent sheet over a photo.

    Attributes:
        under: (H, W, 3) float32, what lies beneath (to choose readable colours and for magnifiers).
        boxes: (xyxy, kind) of every element.
        texts: every text, in order.
    """

    rng: np.random.Generator
    split: str
    under: np.ndarray
    palette: Palette
    layer: Layer = field(init=False)
    boxes: list[tuple[Box, str]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    head: str = field(init=False)
    body: str = field(init=False)

    def __post_init__(self) -> None:
        self.layer = Layer(self.under.shape[:2])
        self.head = str(self.rng.choice(FONTS[self.split]["head"]))
        self.body = str(self.rng.choice(FONTS[self.split]["body"]))

    @property
    def width(self) -> int:
        return self.under.shape[1]

    @property
    def height(self) -> int:
        return self.under.shape[0]

    def note(self, box: Box, kind: str) -> None:
        x0, y0, x1, y1 = box
        clipped = (max(0.0, x0), max(0.0, y0), min(float(self.width), x1), min(float(self.height), y1))
        if clipped[2] - clipped[0] >= 1 and clipped[3] - clipped[1] >= 1:
            self.boxes.append((tuple(float(v) for v in clipped), kind))  # type: ignore[arg-type]

    def clear(self, box: Box, gap: float = 0.01) -> bool:
        """Whether a box in pixels lies inside the picture and touches no element yet drawn."""
        d = gap * self.width
        if box[0] < 0 or box[1] < 0 or box[2] > self.width or box[3] > self.height:
            return False
        return not any(
            box[0] - d < b[2] and b[0] < box[2] + d and box[1] - d < b[3] and b[1] < box[3] + d for b, _ in self.boxes
        )

    def ground(self, box: Box) -> Colour:
        """Mean colour under a box, elements already drawn included."""
        x0, y0, x1, y1 = (int(v) for v in box)
        part = np.s_[max(0, y0) : max(1, y1), max(0, x0) : max(1, x1)]
        alpha = self.layer.alpha[part][::4, ::4, None]
        seen = self.layer.rgb[part][::4, ::4] * alpha + self.under[part][::4, ::4] * (1 - alpha)
        if not seen.size:
            return (1.0, 1.0, 1.0)
        return tuple(float(v) for v in seen.reshape(-1, 3).mean(0))  # type: ignore[return-value]

    def text(
        self, xy: tuple[float, float], text: str, size: int, font: str | None = None, colour: Colour | None = None,
        align: str = "left", kind: str = "text", width: float | None = None, **options: object,
    ) -> Box:  # fmt: skip
        """Text in one readable colour; with `width` it is broken into lines and made small enough to fit."""
        font = font or self.body
        if width is not None:
            text = wrap(text, font, size, width)
            size = min(size, fitted_size(text, font, width, 10_000, size))
        w, h = text_size(text, font, size)
        x = xy[0] - (w / 2 if align == "centre" else w if align == "right" else 0)
        box = (x, xy[1], x + w, xy[1] + h)
        if colour is None:
            colour = readable_on(self.ground(box), self.palette.ink)
        shown = draw_text(self.layer, (x, xy[1]), text, font, size, colour, align, **options)  # type: ignore[arg-type]
        self.note(shown, kind)
        self.texts.append(text.replace("\n", " "))
        return shown

    def plate(
        self, box: Box, text: str, fill: Colour | None = None, shape: str = "rounded", largest: float = 0.06,
        font: str | None = None, opacity: float = 1.0, outline: bool = False,
    ) -> Box:  # fmt: skip
        """A filled shape with text fitted inside."""
        fill = fill or (self.palette.main if self.rng.random() < 0.7 else self.palette.accent)
        x0, y0, x1, y1 = box
        w, h = x1 - x0, y1 - y0
        font = font or self.head
        inset = 0.8
        if shape in ("circle", "ellipse", "star"):
            inset = 0.68
        if shape == "ellipse" or shape == "circle":
            points = ellipse_points(((x0 + x1) / 2, (y0 + y1) / 2), (w / 2, h / 2))
            self.layer.polygon(points, fill, opacity)
            if outline:
                self.layer.stroke(points, max(2, w / 50), readable_on(fill), 1, True)
        elif shape == "star":
            turn = np.linspace(0, 2 * np.pi, 48, endpoint=False)
            reach = np.where(np.arange(48) % 2, 0.86, 1.0)
            points = np.stack(
                [(x0 + x1) / 2 + w / 2 * reach * np.cos(turn), (y0 + y1) / 2 + h / 2 * reach * np.sin(turn)], 1
            )
            self.layer.polygon(points, fill, opacity)
        elif shape == "ribbon":
            notch = h * 0.35
            points = np.array([(x0, y0), (x1, y0), (x1 - notch, (y0 + y1) / 2), (x1, y1), (x0, y1)])
            self.layer.polygon(points, fill, opacity)
        else:
            radius = {"rounded": min(w, h) * 0.2, "pill": h / 2, "rect": 0.0}.get(shape, 0.0)
            self.layer.rectangle(box, fill, radius, opacity)
            if outline:
                edge = max(2.0, min(w, h) / 22)
                self.layer.stroke(rounded_points(box, radius), edge, readable_on(fill), 1, True)
        rough = max(8, int(min(largest * self.height, h * 0.7)))
        broken = wrap(text, font, rough, w * inset) if "\n" not in text else text
        size = fitted_size(broken, font, w * inset, h * inset, rough, 1.15)
        tw, th = text_size(broken, font, size, 1.15)
        at = ((x0 + x1 - tw) / 2, (y0 + y1 - th) / 2)
        draw_text(self.layer, at, broken, font, size, readable_on(fill, self.palette.ink), "centre", spacing=1.15)
        self.note(box, "plate")
        self.texts.append(text.replace("\n", " "))
        return box

    def icon(
        self, centre: tuple[float, float], radius: float, colour: Colour | None = None, filled: bool | None = None
    ) -> None:
        """A round pictogram."""
        rng, layer = self.rng, self.layer
        x, y = centre
        colour = colour or self.palette.main
        filled = bool(rng.random() < 0.6) if filled is None else filled
        if filled:
            layer.ellipse(centre, (radius, radius), colour)
            pen = readable_on(colour)
        else:
            layer.stroke(ellipse_points(centre, (radius, radius)), max(2, radius / 10), colour, 1, True)
            pen = colour
        r, line = radius * 0.55, max(2.0, radius / 8)
        glyph = str(rng.choice(["check", "drop", "leaf", "bolt", "snow", "clock", "shield", "ruler", "bars", "heat"]))
        if glyph == "check":
            layer.stroke(np.array([(x - r, y), (x - r * 0.2, y + r * 0.7), (x + r, y - r * 0.7)]), line * 1.3, pen)
        elif glyph == "drop":
            t = np.linspace(0, 2 * np.pi, 30)
            layer.polygon(np.stack([x + r * np.sin(t) * np.sin(t / 2) ** 1.5, y - r * 1.1 * np.cos(t)], 1), pen)
        elif glyph == "leaf":
            layer.polygon(
                np.array([(x - r, y + r), (x - r * 0.7, y - r * 0.6), (x + r, y - r), (x + r * 0.6, y + r * 0.6)]), pen
            )
            layer.stroke(
                np.array([(x - r, y + r), (x + r * 0.5, y - r * 0.5)]), line / 2, colour if filled else (1, 1, 1)
            )
        elif glyph == "bolt":
            bolt = [(0.2, -1), (-0.6, 0.2), (-0.05, 0.2), (-0.3, 1), (0.6, -0.3), (0.05, -0.3)]
            layer.polygon(np.array([(x + a * r, y + b * r) for a, b in bolt]), pen)
        elif glyph == "snow":
            for turn in np.linspace(0, np.pi, 3, endpoint=False):
                d = np.array([np.cos(turn), np.sin(turn)]) * r
                layer.stroke(np.array([(x, y) - d, (x, y) + d]), line, pen)
        elif glyph == "clock":
            layer.stroke(ellipse_points(centre, (r, r)), line, pen, 1, True)
            layer.stroke(np.array([(x, y - r * 0.6), (x, y), (x + r * 0.5, y)]), line, pen)
        elif glyph == "shield":
            layer.polygon(
                np.array(
                    [
                        (x - r, y - r * 0.8),
                        (x, y - r * 1.1),
                        (x + r, y - r * 0.8),
                        (x + r * 0.8, y + r * 0.3),
                        (x, y + r * 1.1),
                        (x - r * 0.8, y + r * 0.3),
                    ]
                ),
                pen,
            )
        elif glyph == "ruler":
            layer.rectangle((x - r, y - r * 0.4, x + r, y + r * 0.4), pen)
            for tick in np.linspace(-0.7, 0.7, 5):
                layer.stroke(
                    np.array([(x + tick * r, y - r * 0.4), (x + tick * r, y)]),
                    max(1, line / 2),
                    colour if filled else (1, 1, 1),
                )
        elif glyph == "bars":
            for i, tall in enumerate((0.5, 0.9, 1.4)):
                layer.rectangle((x - r + i * r * 0.7, y + r - tall * r, x - r + (i + 0.7) * r * 0.7, y + r), pen)
        else:
            for shift in (-0.5, 0, 0.5):
                wave = np.array([(x + (shift + 0.15 * np.sin(k)) * r, y + (k / 3 - 1) * r) for k in range(7)])
                layer.stroke(wave, line, pen)
        self.note((x - radius, y - radius, x + radius, y + radius), "icon")

    def arrow(
        self, start: tuple[float, float], end: tuple[float, float], colour: Colour, width: float, both: bool = True
    ) -> None:
        a, b = np.asarray(start, float), np.asarray(end, float)
        along = (b - a) / max(float(np.hypot(*(b - a))), 1.0)
        across = np.array([-along[1], along[0]])
        self.layer.stroke(np.array([a, b]), width, colour)
        head = width * 4 + 4
        for tip, way in ((b, -along), (a, along)) if both else ((b, -along),):
            self.layer.polygon(
                np.array([tip, tip + way * head + across * head * 0.4, tip + way * head - across * head * 0.4]), colour
            )

    def dimension(
        self,
        start: tuple[float, float],
        end: tuple[float, float],
        text: str | None,
        size: int,
        colour: Colour | None = None,
    ) -> None:
        """A measure: arrow with end ticks, and what it says beside it."""
        (xa, ya), (xb, yb) = start, end
        near = (min(xa, xb) - 4, min(ya, yb) - 4, max(xa, xb) + 4, max(ya, yb) + 4)
        colour = colour or readable_on(self.ground(near), self.palette.ink)
        width = max(1.5, self.width / 400)
        self.arrow(start, end, colour, width)
        along = np.array([xb - xa, yb - ya]) / max(1.0, float(np.hypot(xb - xa, yb - ya)))
        across = np.array([-along[1], along[0]]) * size * 0.5
        for tip in (np.array(start), np.array(end)):
            self.layer.stroke(np.array([tip - across, tip + across]), width, colour)
        self.note(near, "dimension")
        if text is None:
            return
        if abs(xb - xa) > abs(yb - ya):
            self.text(((xa + xb) / 2, max(ya, yb) + size * 0.3), text, size, self.body, colour, "centre")
        else:
            w, _ = text_size(text, self.body, size)
            right = xa + size * 0.6 + w < self.width
            at = (
                (xa + size * 0.6, (ya + yb) / 2 - size * 0.6)
                if right
                else (xa - size * 0.6 - w, (ya + yb) / 2 - size * 0.6)
            )
            self.text(at, text, size, self.body, colour)

    def callout(self, target: tuple[float, float], label: Box, text: str, framed: bool) -> None:
        """A line from a point of the product to a caption."""
        colour = self.palette.main if luminance(self.palette.main) < 0.7 else self.palette.ink
        left = (label[0] + label[2]) / 2 < target[0]
        joint = (label[2] if left else label[0], (label[1] + label[3]) / 2)
        self.layer.stroke(np.array([target, joint]), max(1.5, self.width / 350), colour)
        dot = self.width / 90
        self.layer.ellipse(target, (dot, dot), colour)
        self.layer.ellipse(target, (dot * 0.5, dot * 0.5), (1, 1, 1))
        self.note(
            (
                min(target[0], joint[0]),
                min(target[1], joint[1]) - 2,
                max(target[0], joint[0]),
                max(target[1], joint[1]) + 2,
            ),
            "callout",
        )
        if framed:
            self.plate(label, text, None, str(self.rng.choice(["rounded", "pill", "rect"])), 0.035)
        else:
            size = max(10, int(self.height * 0.03))
            self.text((label[0], label[1]), text, size, self.body, None, width=label[2] - label[0])

    def magnifier(self, centre: tuple[float, float], radius: float, source: tuple[float, float], zoom: float) -> None:
        """A round window with a part of the photo enlarged."""
        r = int(radius / zoom)
        x, y = int(source[0]), int(source[1])
        padded = cv2.copyMakeBorder(self.under, r, r, r, r, cv2.BORDER_REPLICATE)
        part = padded[max(0, y) : max(0, y) + 2 * r, max(0, x) : max(0, x) + 2 * r]
        if min(part.shape[:2]) < 4:
            return
        shown = cv2.resize(part, (int(2 * radius), int(2 * radius)), interpolation=cv2.INTER_CUBIC)
        ring = self.palette.main if self.rng.random() < 0.6 else (1.0, 1.0, 1.0)
        self.layer.ellipse(centre, (radius, radius), np.clip(shown, 0, 1))
        self.layer.stroke(ellipse_points(centre, (radius, radius)), max(3, radius / 18), ring, 1, True)
        if self.rng.random() < 0.6:
            small = ellipse_points(source, (r * 0.8, r * 0.8))
            self.layer.stroke(small, max(2, radius / 30), ring, 1, True)
            self.layer.stroke(
                np.array([source, centre]) + (np.array(centre) - source) * np.array([[0.3], [-0.4]]),
                max(2, radius / 30),
                ring,
            )
        self.note((centre[0] - radius, centre[1] - radius, centre[0] + radius, centre[1] + radius), "magnifier")

    def swatches(self, box: Box, names: list[str], colours: list[Colour], captions: bool = True) -> None:
        """Discs of colour in a row, with their names."""
        x0, y0, x1, y1 = box
        step = (x1 - x0) / len(colours)
        r = min(step * 0.38, (y1 - y0) * 0.3)
        for i, (name, colour) in enumerate(zip(names, colours, strict=True)):
            x = x0 + (i + 0.5) * step
            self.layer.ellipse((x, y0 + r), (r, r), colour)
            self.layer.stroke(ellipse_points((x, y0 + r), (r, r)), 1.5, mixed(colour, (0, 0, 0), 0.35), 1, True)
            if captions:
                size = fitted_size(name, self.body, step * 0.92, (y1 - y0) * 0.3, int(self.height * 0.03))
                self.text((x, y0 + 2 * r + size * 0.3), name, size, self.body, None, "centre")
        self.note(box, "palette")

    def picture(self, box: Box, picture: np.ndarray, kind: str, opacity: float = 1.0) -> None:
        x0, y0, x1, y1 = (int(v) for v in box)
        shown = cv2.resize(picture, (max(2, x1 - x0), max(2, y1 - y0)), interpolation=cv2.INTER_AREA)
        self.layer.over(np.full(shown.shape[:2], opacity, np.float32), shown, (x0, y0))
        self.note(box, kind)
