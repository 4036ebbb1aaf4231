"""The network is the method's, and a checkpoint gives back what was saved."""

import json

import numpy as np
import pytest
import torch

from packshot.classifier.about import Checkpoint, read_about, side_file
from packshot.classifier.checkpoint import load_checkpoint, save_checkpoint
from packshot.classifier.features import FEATURES_VERSION, INPUTS
from packshot.classifier.model import ThreeInputNet, _max_pool_same
from packshot.errors import SettingError
from packshot.records import VERDICTS


@pytest.fixture(scope="module")
def pooled() -> ThreeInputNet:
    torch.manual_seed(0)
    return ThreeInputNet(6, pool_logits_first=True).eval()


def about(**changes) -> Checkpoint:
    engines = {
        stage: {"name": name, "version": 1, "params": {}, "weights_revision": ""}
        for stage, name in (("ocr", "rapid"), ("segment", "grabcut"))
    }
    values = dict(
        classes=VERDICTS,
        pool_logits_first=True,
        inputs=INPUTS,
        feature_engines=engines,
        features_version=FEATURES_VERSION,
        temperature=1.5,
    )
    return Checkpoint(**(values | changes))


def inputs(n: int, logits_size: int = 256) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    sizes = (64, 64, logits_size)
    return [torch.rand((n, 3, s, s), generator=generator) for s in sizes]


@pytest.mark.parametrize("pool_logits_first", [False, True])
def test_parameter_counts_are_those_of_the_method(pool_logits_first):
    assert ThreeInputNet(6, pool_logits_first=pool_logits_first).parameter_counts() == (2_889_198, 2_879_310)


def test_a_class_costs_1025_parameters():
    assert ThreeInputNet(7).parameter_counts().total - ThreeInputNet(6).parameter_counts().total == 1025


@pytest.mark.parametrize(("n_classes", "pool_logits_first"), [(2, True), (9, True), (6, False)])
def test_output_shape(n_classes, pool_logits_first):
    model = ThreeInputNet(n_classes, pool_logits_first=pool_logits_first).eval()
    with torch.inference_mode():
        assert model(*inputs(2)).shape == (2, n_classes)


def test_pooled_and_unpooled_share_parameters(pooled):
    other = ThreeInputNet(6)
    other.load_state_dict(pooled.state_dict())
    shapes = {k: v.shape for k, v in pooled.state_dict().items()}
    assert shapes == {k: v.shape for k, v in other.state_dict().items()}


def test_logits_pooled_before_give_the_same_as_pooled_inside(pooled):
    image, text, logits = inputs(2)
    before = torch.nn.functional.avg_pool2d(logits, 4)
    with torch.inference_mode():
        torch.testing.assert_close(pooled(image, text, before), pooled(image, text, logits))


def test_every_input_counts(pooled):
    with torch.inference_mode():
        base = pooled(*inputs(1))
        for changed in range(3):
            values = inputs(1)
            values[changed] = values[changed] * 0.5
            assert not torch.allclose(pooled(*values), base)


def test_max_pool_pads_as_keras_does():
    even = torch.arange(4.0).reshape(1, 1, 1, 4).expand(1, 1, 4, 4)
    assert _max_pool_same(even)[0, 0, 0].tolist() == [2.0, 3.0]  # windows start at the first pixel
    odd = torch.arange(5.0).reshape(1, 1, 1, 5).expand(1, 1, 5, 5)
    assert _max_pool_same(odd)[0, 0, 0].tolist() == [1.0, 3.0, 4.0]  # windows start one pixel before it
    assert _max_pool_same(-torch.ones(1, 1, 1, 1)).item() == -1


@pytest.mark.parametrize(
    ("name", "position", "shape"),
    [
        ("image", 0, (2, 3, 32, 32)),
        ("text_mask", 1, (2, 1, 64, 64)),
        ("sam_logits", 2, (2, 3, 128, 128)),
        ("sam_logits", 2, (1, 3, 256, 256)),
        ("image", 0, (3, 64, 64)),
    ],
)
def test_a_wrong_shape_is_named(pooled, name, position, shape):
    values = inputs(2)
    values[position] = torch.zeros(shape)
    with pytest.raises(SettingError, match=name):
        pooled(*values)


def test_unpooled_network_refuses_pooled_logits():
    with pytest.raises(SettingError, match="sam_logits"):
        ThreeInputNet(6)(*inputs(1, logits_size=64))


def test_fewer_than_two_classes_are_refused():
    with pytest.raises(SettingError, match="2 classes"):
        ThreeInputNet(1)


def test_checkpoint_round_trip(tmp_path, pooled):
    path = tmp_path / "some.safetensors"
    saved = about(metrics={"accuracy": 0.5}, training={"seed": 3})
    save_checkpoint(path, pooled, saved)
    loaded, beside = load_checkpoint(path)
    assert beside == saved
    with torch.inference_mode():
        said, before = (torch.softmax(net(*inputs(1)), dim=1) for net in (loaded, pooled))
    # Kernels are kept in 16 bits.
    assert torch.allclose(said, before, atol=0.002) and all(
        v.dtype != torch.float16 for v in loaded.state_dict().values()
    )
    assert path.stat().st_size < 6e6
    assert not list(tmp_path.glob("*.partial"))


def test_checkpoint_of_another_shape_is_refused(tmp_path, pooled):
    path = tmp_path / "some.safetensors"
    save_checkpoint(path, pooled, about(classes=VERDICTS[:5]))
    with pytest.raises(SettingError, match="head"):
        load_checkpoint(path)


def test_side_file_of_other_weights_is_refused(tmp_path, pooled):
    path, other = tmp_path / "some.safetensors", tmp_path / "other.safetensors"
    save_checkpoint(path, pooled, about())
    save_checkpoint(other, ThreeInputNet(6), about())
    side_file(path).write_text(side_file(other).read_text())
    with pytest.raises(SettingError, match="other weights"):
        read_about(path)


@pytest.mark.parametrize(
    ("content", "complaint"), [(None, "beside"), ("{", "not JSON"), ("{}", "format"), ("[]", "format")]
)
def test_broken_side_file_is_explained(tmp_path, pooled, content, complaint):
    path = tmp_path / "some.safetensors"
    save_checkpoint(path, pooled, about())
    side_file(path).unlink()
    if content is not None:
        side_file(path).write_text(content)
    with pytest.raises(SettingError, match=complaint):
        read_about(path)


def test_side_file_without_a_field_is_incomplete(tmp_path, pooled):
    path = tmp_path / "some.safetensors"
    save_checkpoint(path, pooled, about())
    value = json.loads(side_file(path).read_text())
    del value["classes"]
    side_file(path).write_text(json.dumps(value))
    with pytest.raises(SettingError, match="incomplete"):
        read_about(path)


def test_missing_and_broken_weights_are_explained(tmp_path, pooled):
    path = tmp_path / "some.safetensors"
    with pytest.raises(SettingError, match="no classifier weights"):
        load_checkpoint(path)
    save_checkpoint(path, pooled, about())
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(SettingError, match="other weights"):
        load_checkpoint(path)


def test_weights_start_as_keras_starts_them():
    torch.manual_seed(0)
    model = ThreeInputNet(6)
    kernel = model.joint_stem[0].weight.detach().numpy()
    bound = (6 / (9 * (64 + 128))) ** 0.5
    assert 0.99 * bound < np.abs(kernel).max() <= bound
    assert not any(p.any() for name, p in model.named_parameters() if name.endswith("bias"))
