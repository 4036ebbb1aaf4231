"""Pictures of 3D models: one alone, cut out, or a furnished room."""

from __future__ import annotations

import numpy as np
import pyvista
import vtk

from packshot.synth import textures
from packshot.synth.colours import Colour, hsv
from packshot.synth.models3d import Model, add_light, add_model, draw_tint, place_model

CUTOUT_PX = 448
_SUPERSAMPLED = 2
_ROOM_SIZES_WH = ((640, 480), (480, 640), (560, 560))
# What stands together, by the libraries' categories; a category named twice comes twice as often.
_FURNISHED = (
    ("Living room", "Living room", "Lights", "Miscellaneous"),
    ("Bedroom", "Bedroom", "Lights", "Living room"),
    ("Kitchen", "Kitchen", "Kitchen", "Lights"),
    ("Bathroom", "Bathroom", "Bathroom"),
    ("Office", "Office", "Living room", "Lights"),
    ("Living room", "Office", "Miscellaneous"),
)
_WET = ("Bathroom", "Kitchen")
_OPENINGS = "Doors and windows"
_FRONT_CM = 250.0
"""How far floor and walls go on towards the camera."""

vtk.vtkObject.GlobalWarningDisplayOff()


def render_cutout(model: Model, rng: np.random.Generator) -> np.ndarray:
    """A model from a side that photographers choose: RGBA (H, W, 4) float32 in [0, 1], trimmed; empty models give a
    picture of nothing."""
    side = CUTOUT_PX * _SUPERSAMPLED
    plotter = pyvista.Plotter(off_screen=True, window_size=(side, side), lighting="none")
    add_model(plotter, model, draw_tint(rng) if rng.random() < 0.35 else None)
    bounds = np.array(plotter.bounds)
    centre, size = (bounds[::2] + bounds[1::2]) / 2, float(np.linalg.norm(bounds[1::2] - bounds[::2]))
    spread = 55 if rng.random() < 0.5 else 20
    across, up = np.radians(rng.uniform(-spread, spread)), np.radians(rng.uniform(2, 32))
    towards = np.array([np.sin(across) * np.cos(up), np.sin(up), np.cos(across) * np.cos(up)])
    # Transparent pictures are blended over the background: over black they come premultiplied.
    plotter.set_background("black")
    camera = plotter.camera
    camera.position, camera.focal_point = tuple(centre + towards * size * rng.uniform(2.0, 3.5)), tuple(centre)
    camera.up, camera.view_angle = (0, 1, 0), 30
    key = np.array([rng.uniform(-1, 1), rng.uniform(0.8, 1.6), rng.uniform(0.5, 1.3)])
    for at, strength in (
        (key, rng.uniform(0.4, 0.62)),
        (np.array([-key[0], 0.2, 1]), rng.uniform(0.12, 0.28)),
        (np.array([0, 1, -0.4]), 0.15),
        (towards, rng.uniform(0.08, 0.2)),
    ):
        add_light(plotter, centre + at * size * 3, centre, strength, (1.0, 1.0, 1.0))
    seen = _screenshot(plotter, transparent=True)[..., 3] > 0
    if not seen.any():
        plotter.close()
        return np.zeros((8, 8, 4), np.float32)
    reach = max(np.abs(np.flatnonzero(seen.any(axis)) - side / 2).max() for axis in (0, 1)) / (side / 2)
    angle = 2 * np.degrees(np.arctan(np.tan(np.radians(15)) * reach * 1.03))
    camera.view_angle = float(np.clip(angle, 2, 70))
    picture = _halved(_screenshot(plotter, transparent=True).astype(np.float32) / 255)
    plotter.close()
    alpha = picture[..., 3:]
    if (alpha > 0.5).any():
        picture[..., :3] = _exposed(picture[..., :3], rng.uniform(0.7, 1.0), 2.0, alpha[..., 0] > 0.5)
    rows, columns = (np.flatnonzero((alpha[..., 0] > 0.02).any(axis)) for axis in (1, 0))
    if not len(rows):
        return np.zeros((8, 8, 4), np.float32)
    return picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def render_room(
    models: list[Model], rng: np.random.Generator, with_product: bool
) -> tuple[np.ndarray, np.ndarray | None]:
    """A furnished room, RGB (H, W, 3) float32 in [0, 1]; where a product stands in front, its visible part (H, W)
    float32 in [0, 1]."""
    size_wh = _ROOM_SIZES_WH[int(rng.integers(len(_ROOM_SIZES_WH)))]
    window = tuple(_SUPERSAMPLED * side for side in size_wh)
    plotter = pyvista.Plotter(off_screen=True, window_size=window, lighting="none")
    width, depth, height = rng.uniform(320, 620), rng.uniform(280, 480), rng.uniform(240, 290)
    furnishing = _FURNISHED[int(rng.integers(len(_FURNISHED)))]
    _build(plotter, rng, (width, depth, height), furnishing[0])
    tint = draw_tint(rng) if rng.random() < 0.5 else None
    fitting = [m for m in models if m.width < 0.7 * width and m.height + m.elevation_cm < height - 5]
    taken = _along_the_wall(plotter, rng, fitting, furnishing, (width, depth), tint)
    camera = np.array([rng.uniform(-0.25, 0.25) * width, rng.uniform(80, 170), depth / 2 + rng.uniform(40, 190)])
    aim = np.array([rng.uniform(-0.2, 0.2) * width, rng.uniform(50, 110), -depth / 2])
    angle, behind = rng.uniform(32, 58), 0.35 * depth
    product: list = []
    if with_product:
        shown = [m for m in fitting if m.category in furnishing and 45 < max(m.size_cm) < 260 and m.elevation_cm < 1]
        if shown:
            model = shown[int(rng.integers(len(shown)))]
            away = max(model.width, model.height, 0.7 * model.depth) / 2 / np.tan(np.radians(angle / 2))
            away = away / rng.uniform(0.5, 0.9) + model.depth / 2
            # Clear of what stands along the wall; the camera steps back for it.
            z = max(camera[2] - away, -depth / 2 + taken + 0.6 * model.depth + 5)
            x = 0.4 * camera[0] + rng.uniform(-20, 20)
            camera[2] = z + away
            camera[1] = min(max(model.height * rng.uniform(0.6, 1.3), 45), height - 30)
            aim = np.array([x + rng.uniform(-0.12, 0.12) * model.width, model.height * rng.uniform(0.3, 0.6), z])
            product = place_model(
                plotter, model, (x, z), rng.uniform(-40, 40), draw_tint(rng) if rng.random() < 0.4 else None
            )
            behind = z - 0.6 * model.depth - 60
    for _ in range(int(rng.integers(1, 6))):
        category, large = furnishing[int(rng.integers(len(furnishing)))], bool(rng.random() < 0.7)
        standing = [m for m in _of(fitting, category, large) if m.elevation_cm < 1]
        if standing and behind > -0.3 * depth:
            at = rng.choice([-1, 1]) * rng.uniform(0.2, 0.45) * width, rng.uniform(-0.3 * depth, behind)
            yaw = rng.uniform(0, 360) if rng.random() < 0.4 else float(rng.choice([90, -90, 180]))
            place_model(plotter, standing[int(rng.integers(len(standing)))], at, yaw, tint)
    plotter.camera.position, plotter.camera.focal_point = tuple(camera), tuple(aim)
    plotter.camera.up, plotter.camera.view_angle = (0, 1, 0), angle
    warm, near = (1.0, rng.uniform(0.9, 1), rng.uniform(0.78, 1)), (0.0, 60.0, -depth / 4)
    side = rng.choice([-1, 1])
    add_light(plotter, (side * 0.45 * width, 0.8 * height, 0.3 * depth), near, rng.uniform(0.4, 0.7), warm)
    add_light(plotter, (-side * 0.3 * width, 0.95 * height, 0), near, rng.uniform(0.15, 0.35), warm)
    add_light(plotter, camera + (0, 40, 0), near, rng.uniform(0.1, 0.3), warm)
    plotter.enable_ssao(radius=35, bias=1.5, kernel_size=64)
    picture = _halved(_screenshot(plotter).astype(np.float32) / 255)
    mask = _mask_of(plotter, product) if product else None
    plotter.close()
    return _exposed(picture, rng.uniform(0.7, 0.95), 2.2), mask


def _of(models: list[Model], category: str, large: bool) -> list[Model]:
    return [m for m in models if m.category == category and (max(m.size_cm) > 60) == large]


def _along_the_wall(
    plotter: pyvista.Plotter,
    rng: np.random.Generator,
    models: list[Model],
    furnishing: tuple[str, ...],
    width_depth: tuple[float, float],
    tint: np.ndarray | None,
) -> float:
    """Furniture side by side along the back wall, and a door or window in a side wall; how deep it reaches, cm."""
    width, depth = width_depth
    x, taken = -width / 2 + 10, 0.0
    for _ in range(14):
        standing = _of(models, furnishing[int(rng.integers(len(furnishing)))], True)
        if not standing or x > width / 2 - 40:
            continue
        if rng.random() < 0.12:
            x += rng.uniform(20, 90)
        model = standing[int(rng.integers(len(standing)))]
        if x + model.width <= width / 2:
            place_model(plotter, model, (x + model.width / 2, -depth / 2 + model.depth / 2 + 3), 0, tint)
            x += model.width + rng.uniform(2, 45)
            taken = max(taken, model.depth)
    openings = [m for m in models if m.category == _OPENINGS]
    if openings and rng.random() < 0.5:
        side = float(rng.choice([-1, 1]))
        at = side * (width / 2 - 2), rng.uniform(-depth / 3, depth / 4)
        place_model(plotter, openings[int(rng.integers(len(openings)))], at, -90 * side, None)
    return taken


def _build(plotter: pyvista.Plotter, rng: np.random.Generator, size_cm: tuple[float, float, float], use: str) -> None:
    """Floor, three walls and ceiling."""
    width, depth, height = size_cm
    half, back, front = width / 2, -depth / 2, depth / 2 + _FRONT_CM
    floors = ["tiles", "wood"] if use in _WET else ["wood", "wood", "tiles", "carpet"]
    floor = _texture(rng, str(rng.choice(floors)))
    wall = _texture(rng, "tiles" if use == "Bathroom" else str(rng.choice(["paint", "paint", "paint", "paper"])))
    along = (front - back) / 150
    for corners, texture, repeats in (
        ([(-half, 0, front), (half, 0, front), (half, 0, back), (-half, 0, back)], floor, (width / 180, along)),
        ([(-half, 0, back), (half, 0, back), (half, height, back), (-half, height, back)], wall, (width / 150, 1.8)),
        ([(-half, 0, front), (-half, 0, back), (-half, height, back), (-half, height, front)], wall, (along, 1.8)),
        ([(half, 0, back), (half, 0, front), (half, height, front), (half, height, back)], wall, (along, 1.8)),
        (
            [(-half, height, back), (half, height, back), (half, height, front), (-half, height, front)],
            _texture(rng, "paint"),
            (2, 2),
        ),
    ):
        plane = pyvista.PolyData(np.array(corners, float), np.array([4, 0, 1, 2, 3]))
        u, v = repeats
        plane.active_texture_coordinates = np.array([[0, 0], [u, 0], [u, v], [0, v]], np.float32)
        surface = plotter.add_mesh(plane, texture=texture).prop
        surface.ambient, surface.diffuse, surface.specular = 0.32, 0.8, 0


def _texture(rng: np.random.Generator, kind: str) -> pyvista.Texture:
    shape = (512, 512)
    if kind == "wood":
        tone = hsv(rng.uniform(0.04, 0.12), rng.uniform(0.1, 0.6), rng.uniform(0.35, 0.95))
        picture = textures.wood(rng, shape, tone, int(512 * rng.uniform(0.06, 0.12)))
    elif kind == "tiles":
        side = int(rng.integers(60, 130))
        picture = textures.tiles(rng, shape, _tone(rng, 0.25, 0.5), (side, side), (0.6, 0.6, 0.58))
    elif kind == "carpet":
        pile = 1 + 0.1 * textures.noise(rng, shape, 3, 1)
        picture = textures.plain(shape, _tone(rng, 0.3, 0.4)) * pile[..., None]
    elif kind == "paper":
        tone = hsv(rng.random(), rng.uniform(0, 0.3), rng.uniform(0.6, 0.97))
        picture = textures.scatter(rng, shape, tone, [tuple(0.85 * c for c in tone)], 30)
    else:
        picture = textures.plain(shape, _tone(rng, 0.2 if rng.random() < 0.8 else 0.4, 0.6))
    texture = pyvista.Texture((255 * np.clip(picture, 0, 1)).astype(np.uint8))
    texture.repeat = True
    return texture


def _tone(rng: np.random.Generator, saturation: float, darkest: float) -> Colour:
    """Mostly warm, as homes are."""
    hue = rng.uniform(0.02, 0.16) if rng.random() < 0.7 else rng.random()
    return hsv(hue, rng.uniform(0, saturation), rng.uniform(darkest, 0.97))


def _mask_of(plotter: pyvista.Plotter, product: list) -> np.ndarray:
    """Where the product is seen: it alone is white in a black scene, and what stands before it hides it."""
    plotter.set_background("black")
    plotter.renderer.SetPass(None)
    for actor in plotter.renderer.GetActors():
        own, surface = any(actor is part for part in product), actor.GetProperty()
        surface.SetLighting(False)
        surface.SetColor(own, own, own)
        surface.RemoveAllTextures()
        actor.SetTexture(None)
        actor.GetMapper().ScalarVisibilityOff()
    white = _screenshot(plotter).astype(np.float32) / 255
    return _halved(white)[..., 0]


def _screenshot(plotter: pyvista.Plotter, transparent: bool = False) -> np.ndarray:
    """The scene as it is now: a screenshot alone repeats the last picture."""
    plotter.renderer.reset_camera_clipping_range()
    plotter.render()
    return np.asarray(plotter.screenshot(return_img=True, transparent_background=transparent))


def _halved(picture: np.ndarray) -> np.ndarray:
    """Supersampled pixels averaged; with an alpha, they come premultiplied and colours are straight afterwards."""
    n = _SUPERSAMPLED
    height, width, channels = picture.shape
    small = picture.reshape(height // n, n, width // n, n, channels).mean((1, 3))
    if channels == 4:
        small[..., :3] /= np.maximum(small[..., 3:], 1e-4)
    return np.clip(small, 0, 1)


def _exposed(picture: np.ndarray, bright: float, most: float, part: np.ndarray | slice = np.s_[:]) -> np.ndarray:
    """As light as a photographer would make it: its light parts come near `bright`."""
    lit = float(np.quantile(picture[part].mean(-1), 0.95))
    return np.clip(picture * min(most, max(1.0, bright / max(lit, 0.05))), 0, 1)
