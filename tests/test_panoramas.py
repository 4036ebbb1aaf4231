"""Rooms for the synthetic catalogue, made from panoramas of radiance."""

import base64

import cv2
import numpy as np
import pytest

OpenEXR = pytest.importorskip("OpenEXR", reason="panoramas are not read without the extra `props`")

from packshot.errors import SourceError  # noqa: E402
from packshot.synth.panoramas import main, read_panorama, view  # noqa: E402

SKY, GROUND, POST = (0.1, 0.2, 2.0), (0.8, 0.1, 0.1), (30.0, 30.0, 0.0)


@pytest.fixture
def panorama():
    """Blue sky, red ground, and a bright yellow post straight ahead (in the middle of the panorama's right half)."""
    radiance = np.zeros((128, 256, 3), np.float32)
    radiance[:64], radiance[64:] = SKY, GROUND
    radiance[40:70, 62:66] = POST
    return radiance


def write_exr(path, radiance):
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    OpenEXR.File(header, {"RGB": radiance}).write(str(path))


class Straight:
    """A generator whose draws are all in the middle of their range, but for the direction: `turn` of a full circle."""

    def __init__(self, turn):
        self.turn = turn

    def uniform(self, low, high):
        return self.turn * high if high > 6 and low == 0 else (low + high) / 2


def test_a_view_shows_what_lies_in_its_direction(panorama):
    picture = view(panorama, Straight(turn=0.25), (120, 100))
    assert picture.shape == (100, 120, 3) and picture.dtype == np.uint8
    red, green, blue = np.moveaxis(picture.astype(int), 2, 0)
    post = (red > 150) & (green > 150) & (blue < 100)
    columns = np.flatnonzero(post.any(axis=0))
    assert 55 <= columns.mean() <= 64 and np.ptp(columns) < 15, "straight ahead, and upright"
    assert (blue > red)[:20, :40].all() and (red > blue)[-20:, :40].all(), "sky above, ground below"
    beside = view(panorama, Straight(turn=0.75), (120, 100))
    assert not ((beside[..., 0] > 150) & (beside[..., 1] > 150)).any(), "the post is behind the camera"


def test_a_view_goes_on_across_the_panoramas_seam(panorama):
    panorama[40:70, :] = SKY
    picture = view(panorama, Straight(turn=0.0), (120, 100))
    assert np.abs(np.diff(picture[10].astype(int), axis=0)).max() <= 2


def test_folders_of_panoramas_become_rooms(panorama, tmp_path, capsys):
    plain, packed, out = tmp_path / "plain", tmp_path / "packed", tmp_path / "props"
    plain.mkdir()
    packed.mkdir()
    write_exr(plain / "street.exr", panorama)
    data = base64.b64encode((plain / "street.exr").read_bytes()).decode()
    (packed / "hall.exr.js").write_text(f"export default 'data:application/exr;base64,{data}'")
    assert np.allclose(read_panorama(packed / "hall.exr.js"), read_panorama(plain / "street.exr"))
    order = [str(plain), str(packed), "--out", str(out), "--views", "3"]
    assert main(order) == 0
    rooms = sorted((out / "rooms").iterdir())
    assert [room.name for room in rooms][::3] == ["panorama-000-street-00.jpg", "panorama-001-hall-00.jpg"]
    before = [room.read_bytes() for room in rooms]
    assert len(set(before)) == 6 and cv2.imread(str(rooms[0])).shape == (400, 480, 3)
    assert main(order) == 0 and [room.read_bytes() for room in rooms] == before
    assert main([str(out), "--out", str(out)]) == 2
    assert "holds no panoramas" in capsys.readouterr().err


def test_what_is_no_panorama_is_told(panorama, tmp_path):
    write_exr(tmp_path / "square.exr", np.ascontiguousarray(panorama[:, :128]))
    with pytest.raises(SourceError, match="square.exr is no panorama"):
        read_panorama(tmp_path / "square.exr")
    (tmp_path / "text.exr").write_text("no")
    with pytest.raises(SourceError, match="text.exr is not a picture"):
        read_panorama(tmp_path / "text.exr")
