"""The network between two trained ones."""

import pytest
import torch

from packshot.classifier.about import Checkpoint, weights_digest
from packshot.classifier.average import main as average_command
from packshot.classifier.checkpoint import load_checkpoint, save_checkpoint
from packshot.classifier.features import FEATURES_VERSION, INPUTS
from packshot.classifier.model import ThreeInputNet

ENGINES = {"ocr": {"name": "rapid", "version": 2, "params": {}, "weights_revision": ""}}


def network(path, seed: int, classes: tuple[str, ...] = ("left", "right")):
    torch.manual_seed(seed)
    model = ThreeInputNet(len(classes), pool_logits_first=True)
    about = Checkpoint(classes, True, INPUTS, ENGINES, FEATURES_VERSION, temperature=1.0 + seed, metrics={"test": {}})
    save_checkpoint(path, model, about)
    return load_checkpoint(path)[0].state_dict()


def test_weights_lie_between_and_the_side_file_tells_of_both(tmp_path):
    first, second, out = (tmp_path / f"{name}.safetensors" for name in ("first", "second", "out"))
    begun, learnt = network(first, 0), network(second, 1)
    command = ["--first", str(first), "--second", str(second), "--share", "0.25", "--out", str(out)]
    assert average_command(command) == 0
    model, about = load_checkpoint(out)
    for name, value in model.state_dict().items():
        if value.is_floating_point():
            assert torch.allclose(value, 0.75 * begun[name] + 0.25 * learnt[name], atol=1e-3), (
                name
            )  # kernels are kept in 16 bits
    assert about.temperature == 2.0 and about.metrics == {}
    assert about.training["averaged"] == {"with": weights_digest(first), "share": 0.25}


@pytest.mark.parametrize(("share", "said"), [("0.5", "other classes"), ("1.5", "between 0 and 1")])
def test_what_has_no_average_is_refused(tmp_path, capsys, share, said):
    first, second = tmp_path / "first.safetensors", tmp_path / "second.safetensors"
    network(first, 0)
    network(second, 1, ("left", "right", "both"))
    out = tmp_path / "out.safetensors"
    command = ["--first", str(first), "--second", str(second), "--share", share, "--out", str(out)]
    assert average_command(command) == 2 and said in capsys.readouterr().err and not out.exists()
