"""Profiles: which engine does each stage, with which parameters. Read from TOML and checked before anything starts."""

import hashlib
import json
import tomllib
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from packshot.engines import engine_class
from packshot.errors import SettingError
from packshot.fetching import FetchSettings
from packshot.fidelity import Gates
from packshot.presets import load_preset
from packshot.records import VERDICTS
from packshot.stages import STAGES, Stage


class EngineChoice(BaseModel):
    """The engine of a stage and its parameters, all of them spelt out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    engine: str
    params: dict[str, Any] = Field(default_factory=dict)


class Estimate(BaseModel):
    """What a photo costs, for `--dry-run` before this store has a run of its own to go by."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seconds_per_photo: float = Field(gt=0, description="Wall seconds for all stages together.")
    bytes_per_photo: int = Field(gt=0, description="Bytes that a photo and its artifacts take in the store.")


class Profile(BaseModel):
    """A named choice of engines and parameters."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    description: str = ""
    stages: dict[str, EngineChoice]
    fetch: FetchSettings = FetchSettings()
    skip_verdicts: tuple[str, ...] = Field(
        default=(), description="Photos with these verdicts are not cut out or placed (outcome `skipped`)."
    )
    language: Literal["ru", "en"] = Field("ru", description="The market's language: what is read, what is foreign.")
    gates: Gates = Gates()
    estimate: Estimate

    @model_validator(mode="after")
    def _known(self) -> "Profile":
        for name in self.stages:
            if name not in STAGES:
                raise ValueError(f"there is no stage {name!r}; there is: {', '.join(STAGES)}")
        for name in STAGES:
            if name not in self.stages:
                raise ValueError(f"no engine is chosen for stage {name!r}: add [stages.{name}] with engine = …")
        for verdict in self.skip_verdicts:
            if verdict not in VERDICTS:
                raise ValueError(f"skip_verdicts names {verdict!r}; the verdicts are {', '.join(VERDICTS)}")
        return self


def load_profile(name: str = "lite", overrides: dict[str, Any] | None = None) -> Profile:
    """Read a profile by name (`lite`) or by the path of a TOML file.

    `overrides` changes single settings by dotted name: `{"ocr.engine": "easyocr", "mask.iterations": 3,
    "fetch.concurrency": 8}`. Raises `SettingError` that names the setting.
    """
    text, where = _read(name)
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingError(f"profile {where}: not valid TOML: {error}") from error
    for dotted, value in (overrides or {}).items():
        _override(table, dotted, value, where)
    stages = {}
    shared = _shared(table, where)
    for stage, choice in table.get("stages", {}).items():
        if not isinstance(choice, dict) or "engine" not in choice:
            raise SettingError(f"profile {where}: [stages.{stage}] must name an engine")
        params = {key: value for key, value in choice.items() if key != "engine"}
        if stage in STAGES:
            known = engine_class(stage, choice["engine"]).Params.model_fields
            params = {key: value for key, value in shared.get(stage, {}).items() if key in known} | params
        stages[stage] = {"engine": choice["engine"], "params": _checked(stage, choice["engine"], params, where)}
    try:
        profile = Profile.model_validate({**table, "stages": stages})
    except ValidationError as error:
        raise SettingError(f"profile {where}: {_first(error)}") from error
    return profile


def _shared(table: dict[str, Any], where: str) -> dict[str, dict[str, Any]]:
    """Parameters that stages take from elsewhere in the profile: the market's language, the limits of [gates], and the
    framing of the preset that `deliver` follows where its picture comes from `inpaint`."""
    try:
        gates = Gates.model_validate(table.get("gates", {})).model_dump(mode="json")
    except ValidationError as error:
        raise SettingError(f"profile {where}: [gates] {_first(error)}") from error
    delivery = table.get("stages", {}).get("deliver", {})
    framed = {}
    if isinstance(delivery, dict) and delivery.get("preset"):
        preset = load_preset(delivery["preset"])
        if "scene" in (delivery.get("background"), preset.make.background) and delivery.get("background") != "white":
            framed = {"preset": delivery["preset"]}
        framed |= {key: delivery[key] for key in ("max_upscale",) if key in delivery}
    market = {"language": table["language"]} if "language" in table else {}
    return {"ocr": market, "classify": market, "inpaint": {"gates": gates} | framed, "deliver": {"gates": gates}}


def shaped(profile: Profile) -> dict[str, Stage]:
    """The stages by name, as the profile's engines do them: what they read, what files they leave."""
    found = {}
    for stage in STAGES.values():
        choice = profile.stages[stage.name]
        cls = engine_class(stage.name, choice.engine)
        found[stage.name] = cls.shape(stage, cls.Params(**choice.params))
    return found


def check_engines(profile: Profile, stages: Iterable[str]) -> None:
    """Make sure that the engines of these stages fit together and are given what they read. Raises `SettingError`."""
    stages = tuple(stages)
    shapes = shaped(profile)
    for stage in stages:
        if stage in STAGES:
            choice = profile.stages[stage]
            cls = engine_class(stage, choice.engine)
            if missing := [name for name in shapes[stage].reads if name not in stages]:
                raise SettingError(
                    f"{stage} needs {missing[0]} with these settings ({_named(choice)}), and the steps leave it out: "
                    "add the step place"
                )
            reads = {name: _feature_source(profile, name) for name in shapes[stage].reads}
            cls.check_upstream(cls.Params(**choice.params), reads)


def fingerprints(profile: Profile) -> dict[str, str]:
    """A digest a stage of all that decides what its artifact holds, and of the stages it reads (16 hex digits).

    Fetching and operational settings (threads, device, batch) stay out, so that changing them redoes nothing.
    """
    return {name: _digest(facts) for name, facts in lineage(profile).items()}


def lineage(profile: Profile) -> dict[str, dict[str, Any]]:
    """By stage, all that goes into its fingerprint: engine, its version, weights revision, parameters, and under
    `reads` the fingerprints of the stages it reads."""
    facts: dict[str, dict[str, Any]] = {}
    made: dict[str, str] = {}
    for stage in shaped(profile).values():
        choice = profile.stages[stage.name]
        cls = engine_class(stage.name, choice.engine)
        params = cls.Params(**choice.params)
        facts[stage.name] = {
            "stage": stage.name,
            "version": stage.version,
            "engine": choice.engine,
            "engine_version": cls.version,
            "weights": cls.weights_revision(params),
            "params": params.model_dump(mode="json", exclude=set(cls.Params.operational)),
            "reads": [made[name] for name in stage.reads],
        }
        made[stage.name] = _digest(facts[stage.name])
    return facts


def _digest(facts: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def _read(name: str) -> tuple[str, str]:
    if name.endswith(".toml"):
        try:
            return Path(name).read_text("utf-8"), name
        except OSError as error:
            raise SettingError(f"profile {name}: cannot be read: {error.strerror}") from error
    folder = resources.files("packshot") / "profiles"
    file = folder / f"{name}.toml"
    if not file.is_file():
        names = ", ".join(sorted(f.name[:-5] for f in folder.iterdir() if f.name.endswith(".toml")))
        raise SettingError(f"there is no profile {name!r}; there is: {names}, or give the path of a .toml file")
    return file.read_text("utf-8"), name


def _override(table: dict[str, Any], dotted: str, value: Any, where: str) -> None:
    first, _, rest = dotted.partition(".")
    if not rest:
        if first not in Profile.model_fields:
            raise SettingError(f"profile {where} has no setting {dotted!r}; write STAGE.PARAMETER, such as ocr.engine")
        table[first] = value
        return
    target = table.setdefault("stages", {}).setdefault(first, {}) if first in STAGES else table.setdefault(first, {})
    if first in STAGES and rest == "engine" and target.get("engine") != value:
        target.clear()  # another engine's parameters mean nothing to this one
    target[rest] = value


def _checked(stage: str, engine: str, params: dict[str, Any], where: str) -> dict[str, Any]:
    """Parameters with their defaults filled in, so that run.json tells the whole truth."""
    if stage not in STAGES:
        raise SettingError(f"profile {where}: there is no stage {stage!r}; there is: {', '.join(STAGES)}")
    try:
        return engine_class(stage, engine).Params(**params).model_dump(mode="json")
    except ValidationError as error:
        raise SettingError(f"profile {where}: [stages.{stage}] {_first(error)}") from error


def _named(choice: EngineChoice) -> str:
    preset = choice.params.get("preset")
    return f"engine {choice.engine}" + (f", preset {preset}" if preset else "")


def _feature_source(profile: Profile, stage: str) -> tuple[str, int]:
    """Name and version of the engine whose results these are, to one that learnt from such results."""
    choice = profile.stages[stage]
    cls = engine_class(stage, choice.engine)
    source, _ = cls.feature_source(cls.Params(**choice.params))
    return source.name, source.version


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"])
    return f"{name}: {first['msg']}" if name else first["msg"]
