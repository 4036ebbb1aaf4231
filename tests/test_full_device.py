"""Batches that shrink when memory is out, models that make room for each other, and the figures of `packshot bench`."""

import logging

import pytest
import torch

from packshot.bench import bench, lines
from packshot.config import load_profile
from packshot.device import CpuNotice, DeviceParams, ModelBatch, Residents, choose_device, place_weights, weights_bytes
from packshot.errors import SettingError
from packshot.stages import stages_for
from packshot.synth import make_photo


def test_the_batch_is_halved_when_memory_is_out_and_stays_so() -> None:
    sizes: list[int] = []

    def network(items: list[int]) -> list[int]:
        sizes.append(len(items))
        if len(items) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return [2 * item for item in items]

    batch = ModelBatch(16)
    assert batch.map(network, range(20)) == [2 * i for i in range(20)]
    assert batch.size == 2 and sizes[:4] == [16, 8, 4, 2]
    sizes.clear()
    batch.map(network, range(4))
    assert sizes == [2, 2]


def test_a_photo_too_large_by_itself_is_told_of() -> None:
    def network(items: list[int]) -> list[int]:
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(torch.OutOfMemoryError):
        ModelBatch(8).map(network, [1, 2, 3])
    assert ModelBatch(4).map(network, []) == []


def test_models_used_longest_ago_leave_when_the_limit_is_passed() -> None:
    """`cpu:0` stands for the GPU: the same memory by another name, so that moves can be seen."""
    home, there = torch.device("cpu"), torch.device("cpu", 0)
    models = [torch.nn.Linear(256, 1024, bias=False) for _ in range(3)]  # 1 MiB each
    assert weights_bytes(models[0]) == 2**20
    moves: list[tuple[int, torch.device]] = []

    def watch(number: int, model: torch.nn.Module) -> None:
        real = model.to

        def to(device: torch.device) -> torch.nn.Module:
            moves.append((number, torch.device(device)))
            return real(device)

        model.to = to  # type: ignore[method-assign]

    for number, model in enumerate(models):
        watch(number, model)
    held = Residents(home)
    limit = 2.5 * 2**20 / 2**30
    for number in (0, 1, 0, 2):
        with held.using([models[number]], there, limit):
            assert held.bytes_held <= 2.5 * 2**20
    assert moves == [(0, there), (1, there), (1, home), (2, there)]
    moves.clear()
    with held.using(models, there, limit):  # a stage that needs all of them has them, limit or not
        assert held.bytes_held == 3 * 2**20
    assert moves == [(1, there)]


def test_half_precision_on_a_cpu_is_rounded_weights_in_float32() -> None:
    layer = torch.nn.Linear(4, 4)
    exact = layer.weight.detach().clone()
    place_weights(layer, DeviceParams(precision="float16"), torch.device("cpu"))
    assert layer.weight.dtype is torch.float32
    assert torch.equal(layer.weight, exact.half().float()) and not torch.equal(layer.weight, exact)


def test_a_device_that_is_not_there_is_named() -> None:
    assert choose_device("cpu").type == "cpu"
    for name, there in (("cuda", torch.cuda.is_available()), ("mps", torch.backends.mps.is_available())):
        if not there:
            with pytest.raises(SettingError, match=name):
                choose_device(name)


def test_a_cpu_is_warned_of_once_with_its_time(caplog: pytest.LogCaptureFixture) -> None:
    notice = CpuNotice("segment", torch.device("cpu"))
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            with notice.over(4):
                pass
        with CpuNotice("segment", torch.device("cuda")).over(4):
            pass
    (record,) = caplog.records
    assert "stage segment runs on the CPU: the first 4 took" in record.getMessage()


def test_bench_gives_each_stage_s_figures_and_what_a_million_photos_take() -> None:
    images = [make_photo(70_000 + i, size_wh=(160, 160)).image for i in range(3)]
    speeds = bench(load_profile("lite"), stages_for(("clean", "place")), images)
    assert [s.stage for s in speeds] == list(stages_for(("clean", "place")))[1:]
    measured = [s for s in speeds if not s.problem]
    assert measured[0].photos == 3 and all(s.seconds > 0 and s.peak_gb > 0 for s in measured)
    text = lines(speeds, 0.5)
    assert len(text) == len(speeds) + 1 and "a million photos on" in text[-1] and "at 0.5 an hour" in text[-1]


def test_bench_says_what_it_could_not_measure(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PACKSHOT_MODELS", str(tmp_path))
    images = [make_photo(70_000, size_wh=(96, 96)).image]
    profile = load_profile("full", {"ocr.engine": "rapid"})
    speeds = bench(profile, ("segment", "caption"), images)
    assert "packshot models pull sam_vit_h" in speeds[0].problem and "nothing came of ocr" in speeds[1].problem
    assert "not measured" in lines(speeds, 0)[0]
