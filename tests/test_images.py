"""Telling whole pictures from broken ones, and decoding every mode to upright sRGB."""

import io
import struct
import threading
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from packshot.errors import ErrorCode, PhotoError
from packshot.images import ImageLimits, decode, sniff, thumbnail, verify

pytestmark = pytest.mark.filterwarnings("ignore:Corrupt EXIF data:UserWarning")  # Pillow speaks of what it skips

RED, GREEN, BLUE, WHITE = (220, 30, 30), (30, 180, 60), (30, 60, 200), (255, 255, 255)
WIDTH, HEIGHT = 96, 64


def scene() -> Image.Image:
    """Red, green, blue and white quarters: rotation, channel order and polarity all show."""
    image = Image.new("RGB", (WIDTH, HEIGHT), WHITE)
    image.paste(RED, (0, 0, WIDTH // 2, HEIGHT // 2))
    image.paste(GREEN, (WIDTH // 2, 0, WIDTH, HEIGHT // 2))
    image.paste(BLUE, (0, HEIGHT // 2, WIDTH // 2, HEIGHT))
    return image


def encode(image: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def textured(side: int = 256) -> Image.Image:
    rng = np.random.default_rng(0)
    return Image.fromarray(rng.integers(0, 255, (side, side, 3), dtype=np.uint8))


def quarters(pixels: np.ndarray) -> list[tuple[int, int, int]]:
    """Colours in the middle of the quarters: top left, top right, bottom left, bottom right."""
    height, width = pixels.shape[:2]
    rows, cols = (height // 4, 3 * height // 4), (width // 4, 3 * width // 4)
    return [tuple(int(v) for v in pixels[y, x]) for y in rows for x in cols]


def assert_scene(pixels: np.ndarray, colours=(RED, GREEN, BLUE, WHITE), tolerance: int = 6) -> None:
    assert pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.shape[2] == 3
    np.testing.assert_allclose(quarters(pixels), colours, atol=tolerance)


def code_of(data: bytes, limits: ImageLimits | None = None) -> ErrorCode | None:
    """What `verify` says; `decode` must agree."""
    codes = []
    for function in (verify, decode):
        try:
            function(data, limits or ImageLimits())
            codes.append(None)
        except PhotoError as error:
            codes.append(error.code)
    assert codes[0] == codes[1]
    return codes[0]


FORMATS = [
    ("JPEG", "jpg", {"quality": 90}),
    ("JPEG", "jpg", {"quality": 90, "progressive": True}),
    ("PNG", "png", {}),
    ("WebP", "webp", {"quality": 90}),
    ("WebP", "webp", {"lossless": True}),
    ("GIF", "gif", {}),
    ("BMP", "bmp", {}),
    ("TIFF", "tiff", {}),
    ("TIFF", "tiff", {"compression": "tiff_lzw"}),
    ("AVIF", "avif", {"quality": 90}),
]


@pytest.mark.parametrize(("kind", "extension", "options"), FORMATS)
def test_every_format_is_told_by_content_and_read(kind, extension, options):
    data = encode(scene(), kind, **options)
    info = verify(data)
    assert (info.format, info.extension, info.size_wh) == (kind, extension, (WIDTH, HEIGHT))
    assert_scene(decode(data), tolerance=14)


@pytest.mark.parametrize(("kind", "extension", "options"), FORMATS)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_cut_file_is_corrupt(kind, extension, options, share):
    data = encode(textured(), kind, **options)
    assert code_of(data[: int(len(data) * share)]) == ErrorCode.CORRUPT_IMAGE


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}, {"optimize": True}])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("missing", [2, 100, 3000])
def test_a_jpeg_is_read_to_its_last_bytes_even_at_reduced_scale(mode, options, missing):
    data = encode(textured().convert(mode), "JPEG", **options)
    assert code_of(data) is None
    assert code_of(data[:-missing]) == ErrorCode.CORRUPT_IMAGE


def test_broken_inside_is_corrupt():
    png = bytearray(encode(textured(), "PNG"))
    png[len(png) // 2] ^= 0xFF
    assert code_of(bytes(png)) == ErrorCode.CORRUPT_IMAGE
    assert code_of(b"\xff\xd8\xff\xe0" + b"\0" * 500) == ErrorCode.CORRUPT_IMAGE
    assert code_of(b"RIFF\x10\0\0\0WEBPVP8 ") == ErrorCode.CORRUPT_IMAGE


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", ErrorCode.EMPTY),
        (b"<!DOCTYPE html><html><body>404</body></html>", ErrorCode.NOT_AN_IMAGE),
        (b'{"error": "not found"}', ErrorCode.NOT_AN_IMAGE),
        (b"BMW is a make of cars, and this is a text of theirs", ErrorCode.NOT_AN_IMAGE),
        (b"\0" * 100, ErrorCode.NOT_AN_IMAGE),
        (b"\xff", ErrorCode.NOT_AN_IMAGE),
        (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", ErrorCode.NOT_AN_IMAGE),
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', ErrorCode.UNSUPPORTED_FORMAT),
        (b"\xef\xbb\xbf <svg width='1'/>", ErrorCode.UNSUPPORTED_FORMAT),
        (b"%PDF-1.7\n", ErrorCode.UNSUPPORTED_FORMAT),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", ErrorCode.UNSUPPORTED_FORMAT),
        (b"\0\0\1\0\1\0\x10\x10", ErrorCode.UNSUPPORTED_FORMAT),
        (b"8BPS\0\1", ErrorCode.UNSUPPORTED_FORMAT),
    ],
)
def test_what_is_no_photo(data, code):
    assert code_of(data) == code


def png_announcing(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes((width + 7) // 8 + 1) * min(height, 100))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def webp_announcing(width: int, height: int) -> bytes:
    canvas = b"\0\0\0\0" + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", len(canvas)) + canvas
    return b"RIFF" + struct.pack("<I", len(body)) + body


def test_sizes_are_checked_before_anything_is_decoded():
    assert code_of(png_announcing(30_000, 30_000)) == ErrorCode.TOO_MANY_PIXELS
    assert code_of(webp_announcing(16_000, 16_000)) == ErrorCode.TOO_MANY_PIXELS
    assert code_of(encode(scene(), "JPEG"), ImageLimits(max_pixels=WIDTH * HEIGHT - 1)) == ErrorCode.TOO_MANY_PIXELS
    assert code_of(encode(scene(), "JPEG"), ImageLimits(max_pixels=WIDTH * HEIGHT)) is None
    assert code_of(encode(Image.new("RGB", (3, 3)), "PNG")) == ErrorCode.TOO_SMALL
    assert code_of(encode(Image.new("RGB", (400, 15)), "PNG")) == ErrorCode.TOO_SMALL
    assert code_of(encode(Image.new("RGB", (16, 16)), "PNG")) is None
    data = encode(scene(), "PNG")
    assert code_of(data, ImageLimits(max_bytes=len(data) - 1)) == ErrorCode.TOO_LARGE


def test_a_limit_above_pillows_own_is_kept_without_a_warning(recwarn):
    data = encode(Image.new("1", (10_000, 9_000), 1), "PNG")
    assert verify(data).size_wh == (10_000, 9_000)
    assert not recwarn.list


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_is_applied(orientation):
    turn_back = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = scene().transpose(turn_back[orientation]) if orientation > 1 else scene()
    exif = Image.Exif()
    exif[0x0112] = orientation
    for kind in ("JPEG", "PNG", "WebP"):
        data = encode(stored, kind, exif=exif.tobytes())
        assert verify(data).size_wh == (WIDTH, HEIGHT)
        pixels = decode(data)
        assert pixels.shape == (HEIGHT, WIDTH, 3)
        assert_scene(pixels, tolerance=14)


def test_broken_exif_does_not_break_the_photo():
    data = encode(scene(), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff" + b"\x80" * 40)
    assert code_of(data) is None


def test_an_animated_picture_gives_its_first_frame():
    first, second = scene(), Image.new("RGB", (WIDTH, HEIGHT), BLUE)
    for kind in ("GIF", "WebP", "PNG"):
        data = encode(first, kind, save_all=True, append_images=[second], duration=100)
        assert_scene(decode(data), tolerance=16)


def test_cmyk_is_converted_with_adobes_polarity_too():
    assert_scene(decode(encode(scene().convert("CMYK"), "JPEG", quality=95)), tolerance=10)
    assert_scene(decode(encode(scene().convert("CMYK"), "TIFF")))


def test_grey_palette_and_one_bit_pictures():
    grey = [(v, v, v) for v in np.asarray(scene().convert("L"))[[16, 16, 48, 48], [24, 72, 24, 72]]]
    assert_scene(decode(encode(scene().convert("L"), "PNG")), grey)
    assert_scene(decode(encode(scene().convert("P", palette=Image.Palette.ADAPTIVE), "PNG")))
    half = Image.new("1", (WIDTH, HEIGHT), 0)
    half.paste(1, (0, 0, WIDTH, HEIGHT // 2))
    assert_scene(decode(encode(half, "PNG")), [WHITE, WHITE, (0, 0, 0), (0, 0, 0)])


def test_transparency_is_laid_on_white():
    alpha = Image.new("L", (WIDTH, HEIGHT), 255)
    alpha.paste(0, (0, 0, WIDTH // 2, HEIGHT // 2))
    alpha.paste(128, (WIDTH // 2, 0, WIDTH, HEIGHT // 2))
    half_green = tuple(round((v + 255) / 2) for v in GREEN)
    seen = scene()
    seen.putalpha(alpha)
    for kind in ("PNG", "TIFF"):
        assert_scene(decode(encode(seen, kind)), [WHITE, half_green, BLUE, WHITE])
    assert_scene(decode(encode(seen, "WebP", lossless=True)), [WHITE, half_green, BLUE, WHITE])
    grey = Image.merge("LA", (Image.new("L", (WIDTH, HEIGHT), 90), alpha))
    assert_scene(decode(encode(grey, "PNG")), [WHITE, (173,) * 3, (90,) * 3, (90,) * 3])
    palette = scene().convert("P", palette=Image.Palette.ADAPTIVE)
    clear = palette.getpixel((5, 5))
    assert_scene(decode(encode(palette, "PNG", transparency=clear)), [WHITE, GREEN, BLUE, WHITE])
    assert_scene(decode(encode(palette, "GIF", transparency=clear)), [WHITE, GREEN, BLUE, WHITE])
    key = encode(scene(), "PNG", transparency=RED)
    assert_scene(decode(key), [WHITE, GREEN, BLUE, WHITE])


def test_sixteen_bit_pictures_keep_their_brightness():
    ramp = np.linspace(0, 65535, 64 * 64).reshape(64, 64).astype(np.uint16)
    expected = np.repeat((ramp / 257)[..., None], 3, axis=2)
    for kind in ("PNG", "TIFF"):
        np.testing.assert_allclose(decode(encode(Image.fromarray(ramp), kind)), expected, atol=1)
    floats = Image.fromarray((ramp / 65535).astype(np.float32))
    np.testing.assert_allclose(decode(encode(floats, "TIFF")), expected, atol=1)


def test_an_embedded_profile_is_followed():
    lab = ImageCms.createProfile("LAB")
    grey = Image.new("RGB", (64, 64), (200, 120, 60))
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    np.testing.assert_array_equal(decode(encode(grey, "PNG", icc_profile=srgb))[0, 0], (200, 120, 60))
    swapped = swapped_primaries(srgb)
    np.testing.assert_allclose(decode(encode(grey, "PNG", icc_profile=swapped))[0, 0], (120, 200, 60), atol=3)
    alpha = grey.copy()
    alpha.putalpha(255)
    np.testing.assert_allclose(decode(encode(alpha, "PNG", icc_profile=swapped))[0, 0], (120, 200, 60), atol=3)
    for useless in (b"no profile at all", ImageCms.ImageCmsProfile(lab).tobytes(), srgb[:200]):
        np.testing.assert_array_equal(decode(encode(grey, "PNG", icc_profile=useless))[0, 0], (200, 120, 60))


def swapped_primaries(srgb: bytes) -> bytes:
    """A true profile whose red is sRGB's green and the other way round; its name must not say sRGB."""
    data = srgb.replace("sRGB".encode("utf-16-be"), "swap".encode("utf-16-be")).replace(b"sRGB", b"swap")
    at = data.index(b"rXYZ"), data.index(b"gXYZ")
    changed = bytearray(data)
    changed[at[0] : at[0] + 4], changed[at[1] : at[1] + 4] = b"gXYZ", b"rXYZ"
    return bytes(changed)


def test_photos_are_verified_from_several_threads_at_once():
    good, cut = encode(textured(), "JPEG"), encode(textured(), "JPEG")[:-500]
    wrong = []

    def work() -> None:
        for _ in range(40):
            if code_of(good) is not None or code_of(cut) != ErrorCode.CORRUPT_IMAGE:
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_thumbnails():
    small = Image.open(io.BytesIO(thumbnail(np.asarray(scene()), 48)))
    assert (small.format, small.size) == ("JPEG", (48, 32))
    assert_scene(np.asarray(small), tolerance=20)
    assert Image.open(io.BytesIO(thumbnail(np.asarray(scene()), 500))).size == (WIDTH, HEIGHT)
    assert Image.open(io.BytesIO(thumbnail(np.zeros((2000, 3, 3), np.uint8), 100))).size == (1, 100)


def test_a_cutouts_thumbnail_shows_a_light_checkerboard_and_no_hidden_colour():
    cutout = np.zeros((128, 128, 4), np.uint8)
    cutout[..., 0] = 255  # red under the transparency
    cutout[32:96, 32:96] = (30, 60, 200, 255)
    pixels = np.asarray(Image.open(io.BytesIO(thumbnail(cutout, 64)))).astype(int)
    np.testing.assert_allclose(pixels[32, 32], (30, 60, 200), atol=8)
    border = pixels[:10]
    assert border.min() > 200
    assert {round(v, -1) for v in (border[2, 2].mean(), border[2, 11].mean())} == {260, 230}
    assert np.abs(border[..., 0] - border[..., 2]).max() < 8


def test_sniffing_reads_the_beginning_only():
    assert sniff(encode(scene(), "PNG")[:16]) == "PNG"
    assert sniff(b"\0" * 10 + encode(scene(), "PNG")) is None
