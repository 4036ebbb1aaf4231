"""Profiles are checked before anything starts, and fingerprints change where they must and nowhere else."""

from pathlib import Path

import pytest

from benchmarks.nothing import PROFILE
from packshot.config import check_engines, fingerprints, load_profile
from packshot.errors import SettingError
from packshot.stages import STAGES, stages_for


def test_lite_loads_and_names_an_engine_for_every_stage() -> None:
    profile = load_profile("lite")
    assert set(profile.stages) == set(STAGES)
    assert set(fingerprints(profile)) == set(STAGES)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"ocr.engine": "tesseract9"}, "stage ocr has no engine 'tesseract9'; there is: easyocr, rapid"),
        ({"ocr.no_such": 1}, r"\[stages.ocr\] no_such"),
        ({"fetch.concurrency": 0}, "fetch.concurrency"),
        ({"fetch.nonsense": 1}, "nonsense"),
        ({"nonsense": 1}, "no setting 'nonsense'"),
        ({"skip_verdicts": ["ugly"]}, "skip_verdicts names 'ugly'"),
        ({"ocr.engine": "os:system"}, "is no engine"),
        ({"ocr.engine": "no_such_module:Engine"}, "cannot be loaded"),
        ({"ocr.engine": "benchmarks.nothing:Mask"}, "is no engine for stage ocr"),
    ],
)
def test_a_wrong_setting_is_named(overrides: dict, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        load_profile("lite", overrides)


def test_a_profile_that_is_not_there_or_not_toml(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="there is: .*lite"):
        load_profile("light")
    with pytest.raises(SettingError, match="cannot be read"):
        load_profile(str(tmp_path / "none.toml"))
    (tmp_path / "bad.toml").write_text("name = ")
    with pytest.raises(SettingError, match="not valid TOML"):
        load_profile(str(tmp_path / "bad.toml"))


def test_a_parameter_changes_its_stage_and_those_that_read_it() -> None:
    before = fingerprints(load_profile(PROFILE))
    after = fingerprints(load_profile(PROFILE, {"detect.setting": 1}))
    changed = {stage for stage in before if before[stage] != after[stage]}
    assert changed == {"detect", "mask", "repair", "inpaint", "deliver"}


def test_fetching_and_operational_settings_change_nothing() -> None:
    before = fingerprints(load_profile("lite"))
    assert fingerprints(load_profile("lite", {"fetch.concurrency": 3, "classify.threads": 1})) == before


def test_steps_name_their_stages_in_order() -> None:
    assert stages_for(("classify",)) == ("fetch", "ocr", "segment", "classify")
    assert stages_for(("place", "classify")) == (
        *("fetch", "ocr", "segment", "classify", "caption", "detect", "mask", "inpaint", "deliver"),
    )
    with pytest.raises(SettingError, match="no step 'polish'"):
        stages_for(("polish",))
    with pytest.raises(SettingError, match="no steps"):
        stages_for(())


def test_another_engine_s_features_are_refused_where_the_classifier_reads_them() -> None:
    profile = load_profile("lite", {"ocr.engine": "easyocr"})
    check_engines(profile, stages_for(("clean", "place")))
    with pytest.raises(SettingError, match="learnt from rapid"):
        check_engines(profile, stages_for(("classify",)))
