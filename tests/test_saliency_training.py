"""Fine-tuning of the saliency network: the real one, a few steps on a few small photos."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import helper

from packshot.saliency import WEIGHTS, Saliency, normalised
from packshot.saliency_training.augment import as_fed, sample
from packshot.saliency_training.export import export
from packshot.saliency_training.graph import GraphModule
from packshot.saliency_training.photos import SIDE, TrainingSet, pack, reduced
from packshot.saliency_training.quantise import FULL_WEIGHTS, quantise
from packshot.saliency_training.steps import loss_of
from packshot.saliency_training.train import Recipe, Trainer, make_batch, train
from packshot.synth import make_photo

VERDICTS = ("good_infographics", "other_infographics", "clean_photo_good_background", "bad_infographics")
SMALL = Recipe(steps=4, batch=2, rate=3e-4, warmup=1, average=0.5, full_share=0)


def drawn(seeds):
    return TrainingSet([pack(reduced(make_photo(seed, VERDICTS[seed], (200, 240)))) for seed in seeds])


@pytest.fixture(scope="module")
def photos():
    return drawn(range(4))


def outputs(path, pictures):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: pictures.numpy()})


def test_the_graph_run_by_torch_is_the_network_that_onnxruntime_runs(tmp_path):
    net = GraphModule(FULL_WEIGHTS)
    pictures = torch.randn(1, 3, 320, 320, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        own = [torch.sigmoid(logits) for logits in net(pictures)]
    net.write(tmp_path / "again.onnx")
    for session_of in (FULL_WEIGHTS, tmp_path / "again.onnx"):
        theirs = outputs(session_of, pictures)
        assert len(own) == len(theirs) == 7
        for a, b in zip(own, theirs, strict=True):
            assert torch.allclose(a, torch.from_numpy(b), atol=1e-4)
    assert (tmp_path / "again.onnx").stat().st_size == pytest.approx(FULL_WEIGHTS.stat().st_size, rel=0.01)


def test_the_shipped_network_in_8_bits_sees_what_the_full_one_sees(photos, tmp_path):
    digest = quantise(FULL_WEIGHTS, photos, tmp_path / "eight.onnx")
    assert len(digest) == 64
    assert (tmp_path / "eight.onnx").stat().st_size < 0.35 * FULL_WEIGHTS.stat().st_size
    for photo in range(len(photos)):
        pictures = torch.from_numpy(normalised(as_fed(photos[photo], 320)[0])[None])
        full, *others = (outputs(path, pictures)[0] > 0.5 for path in (FULL_WEIGHTS, tmp_path / "eight.onnx", WEIGHTS))
        assert full.any()
        for other in others:
            assert (full & other).sum() > 0.95 * (full | other).sum()


def test_a_picture_and_its_mirror_image_are_seen_alike(photos):
    picture = as_fed(photos[0], 320)[0]
    seen, mirrored = Saliency()(picture), Saliency()(picture[:, ::-1])
    assert seen.max() > 0.9 and np.array_equal(seen, mirrored[:, ::-1])
    alone = outputs(WEIGHTS, torch.from_numpy(normalised(picture)[None]))[0][0, 0]
    assert np.abs(seen - alone).max() > 0.02


def test_other_operators_are_refused(tmp_path):
    node = helper.make_node("Tanh", ["x"], ["y"])
    value = [helper.make_tensor_value_info(name, 1, [1]) for name in "xy"]
    onnx.save(helper.make_model(helper.make_graph([node], "g", value[:1], value[1:])), str(tmp_path / "other.onnx"))
    with pytest.raises(ValueError, match="Tanh"):
        GraphModule(tmp_path / "other.onnx")


def test_a_few_steps_lower_the_loss_and_go_on_where_they_stopped(photos, tmp_path):
    def loss(values):
        net = GraphModule(FULL_WEIGHTS)
        with torch.no_grad():
            for own, value in zip(net.values, values, strict=True):
                own.copy_(value)
            pictures, target, judged = make_batch(photos, SMALL, 0)
            return float(loss_of(net(pictures), target, judged))

    held_out = drawn(range(1))
    whole = Trainer(FULL_WEIGHTS, SMALL)
    before = loss(whole.net.values)
    (tmp_path / "whole").mkdir()
    train(whole, photos, held_out, tmp_path / "whole", every=4)
    assert loss(whole.net.values) < before

    # Killed after two steps and begun again: the same weights in the end.
    parted = tmp_path / "parted"
    parted.mkdir()
    first = Trainer(FULL_WEIGHTS, SMALL)
    for step in range(2):
        first.learn(make_batch(photos, SMALL, step))
    first.save(parted / "checkpoint.pt")
    second = Trainer(FULL_WEIGHTS, SMALL)
    train(second, photos, held_out, parted, every=4)
    assert second.step == SMALL.steps
    for a, b in zip(whole.average, second.average, strict=True):
        assert torch.allclose(a, b, atol=1e-6)

    digest = export(FULL_WEIGHTS, tmp_path / "whole" / "tuned.onnx", 0.0, tmp_path / "none.onnx")
    assert len(digest) == 64
    own, mixed = GraphModule(FULL_WEIGHTS), GraphModule(tmp_path / "none.onnx")
    assert all(torch.equal(a, b) for a, b in zip(own.values, mixed.values, strict=True))


def test_targets_hold_the_product_that_can_be_seen():
    photo = next(
        photo
        for photo in (make_photo(seed, "good_infographics", (480, 480)) for seed in range(40))
        if (photo.overlay_mask & (photo.product_alpha > 0.9)).mean() > 0.01
    )
    small = reduced(photo)
    assert max(small.target.shape) == SIDE and small.target.shape == small.judged.shape == small.picture.shape[:2]
    picture, target, judged = as_fed(small, 320)
    assert picture.shape == (320, 320, 3) and target.max() <= 1
    assert normalised(picture).shape == (3, 320, 320)
    product, hidden = photo.product_alpha > 0.5, photo.overlay_mask
    marked = target > 0.5
    assert abs(marked.mean() - (product & ~hidden).mean()) < 0.03
    assert marked.mean() < product.mean() - 0.005


def test_samples_are_as_their_seed_says(photos):
    kinds = set()
    for seed in range(30):
        first, again = (sample(photos[0], 96, np.random.default_rng(seed)) for _ in range(2))
        assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
        assert first[0].shape == (96, 96, 3) and first[0].dtype == np.uint8
        assert first[1].min() >= 0 and first[1].max() <= 1
        kinds.add(round(float(first[1].mean()), 2))
    assert len(kinds) > 5
