"""Training of the outline network: the real one, a few steps on a few small photos."""

import numpy as np
import onnxruntime
import pytest
import torch

from packshot.engines import make_engine
from packshot.outline import LAYERS, as_fed
from packshot.outline_training.network import UNet
from packshot.outline_training.photos import OutlinePhoto, draw, load, pack, unpack
from packshot.outline_training.train import Recipe, Trainer, make_batch, sample, train
from packshot.saliency_training.steps import loss_of

SMALL = Recipe(steps=6, batch=2, side=96, large_batch=1, large_side=128, rate=3e-3, warmup=1, average=0.5)


@pytest.fixture(scope="module")
def photos():
    """Drawn photos, read as the pipeline reads them."""
    reader = make_engine("ocr", "rapid", {"threads": 1})
    return [photo for number in (0, 4, 7) if (photo := draw(number, "train", reader))]


def test_a_drawn_photo_comes_with_all_that_was_found(photos):
    assert len(photos) >= 2
    for photo in photos:
        assert photo.seen.shape == (*photo.target.shape, LAYERS) and max(photo.target.shape) <= 512
        truth, rules = photo.target > 127, photo.seen[..., 6] > 0
        assert set(np.unique(photo.seen[..., 6:13])) <= {0, 255} and rules.any()
        assert (truth & rules).sum() > 0.5 * (truth | rules).sum()
        assert photo.judged.mean() > 0.9


def test_packing_keeps_masks_and_truth(photos):
    for photo in photos:
        again = unpack(pack(photo))
        assert np.array_equal(again.seen[..., 3:], photo.seen[..., 3:])
        assert np.array_equal(again.target, photo.target) and np.array_equal(again.judged, photo.judged)
        assert np.abs(again.seen[..., :3].astype(int) - photo.seen[..., :3]).mean() < 3


def test_photos_without_a_product_are_drawn_once_and_left_out(tmp_path):
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "000000.npz").write_bytes(b"")
    assert load(tmp_path, "train", 1) == []


def test_a_window_holds_what_belongs_together():
    """The target is given as a layer too: after cutting, mirroring and resizing both still lie in the same place."""
    rng = np.random.default_rng(0)
    seen = np.zeros((180, 240, LAYERS), np.uint8)
    target = np.zeros((180, 240), np.uint8)
    target[40:120, 60:200] = 255
    seen[..., 8] = target
    for _ in range(20):
        cut = sample(OutlinePhoto(seen, target, np.ones(target.shape, bool)), 96, rng)
        assert cut.seen.shape == (96, 96, LAYERS) and cut.target.shape == (96, 96)
        assert np.array_equal(cut.seen[..., 8][cut.judged], cut.target[cut.judged])


def test_the_written_graph_is_the_network(tmp_path):
    torch.manual_seed(0)
    net = UNet()
    seen = torch.from_numpy(as_fed(np.random.default_rng(0).integers(0, 256, (70, 90, LAYERS), np.uint8)))[None]
    net.train()
    net(seen)  # means and variances that are not those of the start
    net.eval().write(tmp_path / "net.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "net.onnx"), providers=["CPUExecutionProvider"])
    (theirs,) = session.run(["likely"], {"seen": seen.numpy()})
    with torch.no_grad():
        own = torch.sigmoid(net(seen)).numpy()
    assert own.shape == (1, 1, 96, 96) and own.std() > 0
    assert np.abs(own - theirs).max() < 2e-3  # weights are kept in 16 bits


def test_a_few_steps_lower_the_loss_and_go_on_where_they_stopped(photos, tmp_path):
    packed = [pack(photo) for photo in photos]

    def loss(trainer):
        seen, target, judged = make_batch(packed, SMALL, 0)
        with torch.no_grad():
            return float(loss_of([trainer.net.train()(seen)], target, judged))

    whole = Trainer(SMALL)
    before = loss(Trainer(SMALL))
    (tmp_path / "whole").mkdir()
    train(whole, packed, packed[:1], tmp_path / "whole", every=6)
    assert loss(whole) < before
    assert (tmp_path / "whole" / "metrics.jsonl").read_text().count("outline_good") == 1

    # Killed after two steps and begun again: the same weights in the end.
    parted = tmp_path / "parted"
    parted.mkdir()
    first = Trainer(SMALL)
    for step in range(2):
        first.learn(make_batch(packed, SMALL, step))
    first.save(parted / "checkpoint.pt")
    second = Trainer(SMALL)
    train(second, packed, packed[:1], parted, every=6)
    assert second.step == SMALL.steps
    for name, value in whole.average.items():
        assert torch.allclose(value.float(), second.average[name].float(), atol=1e-5), name
