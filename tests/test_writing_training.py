"""The training of the network that marks writing on small photos, at toy size."""

import numpy as np
import pytest
import torch

from packshot.outline_training.network import UNet
from packshot.outline_training.train import Trainer
from packshot.saliency_training.steps import loss_of
from packshot.small_writing import ZOOM
from packshot.writing_training.photos import WritingPhoto, draw, lines_of, load, pack, unpack
from packshot.writing_training.train import Recipe, make_batch, reduced, validate

TOY = Recipe(steps=60, batch=2, warmup=5, rate=1e-2)


@pytest.fixture(scope="module")
def photos() -> list[WritingPhoto]:
    return [draw(number, "train") for number in (0, 6)]


def test_letters_of_a_word_make_one_box_and_lines_stay_apart():
    ink = np.zeros((60, 100), bool)
    for x in range(10, 80, 10):
        ink[10:20, x : x + 6] = True
        ink[30:40, x : x + 6] = True
    lines = lines_of(ink)
    assert lines[10:20, 10:76].all() and lines[30:40, 10:76].all() and not lines[20:30].any()
    assert not lines_of(np.zeros((10, 10), bool)).any()


def test_drawn_photos_know_their_writing_and_are_packed_whole(photos, tmp_path):
    for photo in photos:
        assert photo.writing.any() and not (photo.writing & ~photo.judged).any()
        again = unpack(pack(photo))
        for name in ("picture", "writing", "judged"):
            assert (getattr(again, name) == getattr(photo, name)).all()
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "000000.png").write_bytes(pack(photos[0]))
    assert load(tmp_path, "train", 1) == [pack(photos[0])]


def test_writing_stays_where_it_is_when_a_photo_is_made_small(photos):
    picture, target, judged = reduced(photos[0], 110.0)
    assert max(picture.shape[:2]) == 110 and target.shape == judged.shape == tuple(ZOOM * s for s in picture.shape[:2])
    assert target.mean() == pytest.approx(photos[0].writing.mean(), rel=0.1)


def test_a_few_steps_lower_the_loss(photos):
    packed = [pack(photo) for photo in photos]
    trainer = Trainer(TOY, lambda: UNet(3, (8, 8, 8)))

    def loss() -> float:
        seen, target, judged = make_batch(packed, TOY, 1000)
        with torch.no_grad():
            return float(loss_of([trainer.averaged()(seen)], target, judged))

    before = loss()
    for step in range(TOY.steps):
        trainer.learn(make_batch(packed, TOY, step))
    assert loss() < 0.85 * before
    figures = validate(trainer.averaged(), packed)
    assert set(figures) == {f"{name}_{side}" for name in ("found", "right") for side in (100, 140, 200)}
    assert all(0 <= value <= 1 for value in figures.values())
