"""The classify engine: its checkpoint is checked before anything runs, and a photo's result is its own."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from packshot.artifacts import Segmentation, TextBox, Texts
from packshot.classifier.about import SHIPPED_WEIGHTS, Checkpoint, weights_digest, write_about
from packshot.classifier.checkpoint import save_checkpoint
from packshot.classifier.features import FEATURES_VERSION, INPUTS
from packshot.classifier.model import ThreeInputNet
from packshot.engines import make_engine
from packshot.engines.classify_three_input import ThreeInputClassifier, ThreeInputParams
from packshot.errors import SettingError
from packshot.records import VERDICTS

ENGINES = {
    stage: {"name": name, "version": 3, "params": {}, "weights_revision": ""}
    for stage, name in (("ocr", "rapid"), ("segment", "grabcut"))
}


def checkpoint(tmp_path, **changes):
    torch.manual_seed(0)
    values = dict(
        classes=VERDICTS,
        pool_logits_first=True,
        inputs=INPUTS,
        feature_engines=ENGINES,
        features_version=FEATURES_VERSION,
        temperature=0.05,
    )
    about = Checkpoint(**(values | changes))
    path = tmp_path / "weights.safetensors"
    model = ThreeInputNet(len(about.classes), pool_logits_first=about.pool_logits_first)
    model.head.weight.data *= 100  # an untrained network hardly tells one photo from another
    save_checkpoint(path, model, about)
    return path, about


def photos(n: int):
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (80 + 7 * i, 100, 3), dtype=np.uint8) for i in range(n)]
    quad = np.array([[10, 10], [60, 10], [60, 30], [10, 30]], np.float32)
    texts = [Texts([TextBox(quad + i, "abc", 0.9)] * (i % 2)) for i in range(n)]
    logits = rng.normal(0, 5, (n, 3, 256, 256))
    segments = [Segmentation.from_logits(logits[i], np.array([0.9, 0.8, 0.7]), images[i].shape[:2]) for i in range(n)]
    return images, texts, segments


def test_results_do_not_depend_on_grouping(tmp_path):
    engine = make_engine("classify", "three_input", {"weights": str(checkpoint(tmp_path)[0])})
    columns = photos(3)
    together = engine.run(*columns)
    alone = [engine.run(*([c[i]] for c in columns))[0] for i in range(3)]
    assert together == alone
    assert len({tuple(r.probabilities.values()) for r in together}) == 3
    for result in together:
        assert list(result.probabilities) == list(VERDICTS)
        assert sum(result.probabilities.values()) == pytest.approx(1, abs=1e-3)
    assert engine.run([], [], []) == []


def test_temperature_sharpens_or_flattens(tmp_path):
    columns = photos(1)
    path, about = checkpoint(tmp_path)
    params = ThreeInputParams(weights=str(path))
    sharp, revision = ThreeInputClassifier(params).run(*columns)[0], ThreeInputClassifier.weights_revision(params)
    about.temperature = 100.0
    write_about(path, about)
    flat = ThreeInputClassifier(params).run(*columns)[0]
    assert max(flat.probabilities.values()) < 0.2 < max(sharp.probabilities.values())
    assert revision.startswith(weights_digest(path))
    assert ThreeInputClassifier.weights_revision(params) != revision


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"classes": (*VERDICTS[:5], "nonsense")}, "does not know: nonsense"),
        ({"inputs": INPUTS | {"image": [128, 128, 3]}}, "takes inputs"),
        ({"features_version": FEATURES_VERSION + 1}, "train again"),
    ],
)
def test_a_checkpoint_of_another_kind_is_refused(tmp_path, changes, complaint):
    path, _ = checkpoint(tmp_path, **changes)
    with pytest.raises(SettingError, match=complaint):
        ThreeInputClassifier(ThreeInputParams(weights=str(path)))


@pytest.mark.parametrize(
    ("upstream", "refused"),
    [
        ({"ocr": ("rapid", 3), "segment": ("grabcut", 3)}, False),
        ({"ocr": ("rapid", 4), "segment": ("grabcut", 3)}, True),
        ({"ocr": ("rapid", 3), "segment": ("sam", 3)}, True),
    ],
)
def test_features_of_other_engines_are_refused(tmp_path, upstream, refused):
    params = ThreeInputParams(weights=str(checkpoint(tmp_path)[0]))
    if refused:
        with pytest.raises(SettingError, match="learnt from"):
            ThreeInputClassifier.check_upstream(params, upstream)
    else:
        ThreeInputClassifier.check_upstream(params, upstream)


def test_missing_weights_are_named(tmp_path):
    with pytest.raises(SettingError, match="nowhere.safetensors"):
        ThreeInputClassifier(ThreeInputParams(weights=str(tmp_path / "nowhere.safetensors")))


def test_shipped_weights_load_and_are_small():
    assert SHIPPED_WEIGHTS.stat().st_size <= 15e6
    engine = ThreeInputClassifier(ThreeInputParams())
    assert engine.classes == VERDICTS
    assert sum(engine.run(*photos(1))[0].probabilities.values()) == pytest.approx(1, abs=1e-3)
    assert set(engine.feature_engines(engine.params)) == {"ocr", "segment"}


def test_weights_are_named_without_torch():
    code = (
        "import sys; from packshot.engines.classify_three_input import ThreeInputClassifier as C;"
        "print(C.weights_revision(C.Params())); assert 'torch' not in sys.modules"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert len(result.stdout.split("+")[0]) == 64
