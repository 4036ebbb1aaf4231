"""Presets: what a marketplace asks of a picture, each rule with its source, and how packshot makes one that follows it.

A rule that the marketplace's own pages state is `official`; one that is only told by others is `third-party`. A picture
that breaks a third-party rule, or an official one that is but a recommendation, is warned of, never refused.
"""

import hashlib
import tomllib
from datetime import date
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from packshot.errors import SettingError
from packshot.placement import Framing

Value = TypeVar("Value")
FORMATS = {"JPEG": "jpg", "PNG": "png"}
"""What packshot writes, and the suffix of its files."""


class Rule(BaseModel, Generic[Value]):
    """One rule: what is asked, who says so, and when that was looked up."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    value: Value
    source: str = Field(min_length=4)
    checked: date
    confidence: Literal["official", "third-party"]
    required: bool = Field(True, description="false: the marketplace recommends it")
    note: str = ""

    @property
    def binding(self) -> bool:
        """Whether a picture that breaks it is refused."""
        return self.required and self.confidence == "official"


class Rules(BaseModel):
    """Every rule there can be. Those that a preset leaves out are not checked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    formats: Rule[tuple[str, ...]] | None = None
    min_width: Rule[int] | None = None
    min_height: Rule[int] | None = None
    min_long_side: Rule[int] | None = None
    min_short_side: Rule[int] | None = None
    max_long_side: Rule[int] | None = None
    max_pixels: Rule[int] | None = None
    max_bytes: Rule[int] | None = None
    aspect: Rule[tuple[int, int]] | None = None
    frame_share: Rule[float] | None = Field(None, description="least: the product's larger extent over the frame's")
    white_background: Rule[float] | None = Field(None, description="least share of the frame's border, pure white")
    srgb: Rule[bool] | None = None
    transparency: Rule[bool] | None = Field(None, description="false: there must be none")
    animation: Rule[bool] | None = Field(None, description="false: a single still picture")
    border: Rule[bool] | None = Field(None, description="false: no drawn frame")
    overlay_text: Rule[bool] | None = Field(None, description="false: no writing beside or over the product")
    ai_background: Rule[bool] | None = Field(None, description="false: none that generative AI made")


class Make(BaseModel):
    """How packshot makes the picture."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    background: Literal["white", "scene"]
    format: Literal["JPEG", "PNG"] = "JPEG"
    quality: int = Field(95, ge=70, le=100, description="of a JPEG; lowered where the file would be too large")
    frame: Literal["photo", "product"] = Field(
        "product", description="photo: the photo's own frame; product: framed anew around the product"
    )
    aspect: tuple[int, int] | None = None
    share: float = Field(0.85, gt=0, le=1)
    least_share: float = Field(0.5, gt=0, le=1)
    ground: float | None = Field(None, gt=0.3, lt=1)


class Preset(BaseModel):
    """A named set of rules, and how to make a picture that follows them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    title: str
    make: Make
    rules: Rules = Rules()

    @property
    def suffix(self) -> str:
        return FORMATS[self.make.format]

    @property
    def framing(self) -> Framing | None:
        """How the product is framed; None where the photo's own frame stays."""
        if self.make.frame == "photo":
            return None
        rules = self.rules
        least = (rules.min_width, rules.min_height, rules.min_long_side, rules.min_short_side)
        long_sides = [r.value for r in (rules.min_long_side, rules.min_short_side) if r]
        short = rules.min_short_side.value if rules.min_short_side else 1
        return Framing(
            aspect=self.make.aspect,
            share=self.make.share,
            least_share=min(self.make.share, self.make.least_share),
            ground=self.make.ground,
            least_wh=(
                max(short, rules.min_width.value if rules.min_width else 1),
                max(short, rules.min_height.value if rules.min_height else 1),
            ),
            least_long=max(long_sides, default=1),
            most_long=rules.max_long_side.value if rules.max_long_side else 10_000,
            most_pixels=rules.max_pixels.value if rules.max_pixels else 100_000_000,
            insist=any(rule.binding for rule in least if rule),
        )

    @property
    def revision(self) -> str:
        """A digest of all that the preset says, but for sources and dates."""
        facts = self.model_dump(mode="json")
        for rule in facts["rules"].values():
            for name in ("source", "checked", "note"):
                if rule:
                    rule.pop(name)
        return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


@lru_cache(maxsize=64)
def load_preset(name: str) -> Preset:
    """A preset by name (`amazon_main`), or by the path of a TOML file. Raises `SettingError` with the choices."""
    if name.endswith(".toml"):
        try:
            text = Path(name).read_text("utf-8")
        except OSError as error:
            raise SettingError(f"preset {name}: cannot be read: {error.strerror}") from error
    else:
        file = resources.files("packshot.presets") / f"{name}.toml"
        if not file.is_file():
            raise SettingError(f"there is no preset {name!r}; there is: {', '.join(preset_names())}, or a .toml file")
        text = file.read_text("utf-8")
    try:
        return Preset.model_validate({"name": Path(name).stem, **tomllib.loads(text)})
    except tomllib.TOMLDecodeError as error:
        raise SettingError(f"preset {name}: not valid TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise SettingError(f"preset {name}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def preset_names() -> list[str]:
    """The presets that come with packshot."""
    folder = resources.files("packshot.presets")
    return sorted(file.name[:-5] for file in folder.iterdir() if file.name.endswith(".toml"))
