"""3D models of furniture libraries (.sh3f), and how VTK is told to show them.

The format is Sweet Home 3D's: a zip archive of Wavefront OBJ models and a `PluginFurnitureCatalog.properties` that
names them, with sizes in centimetres. Debian's package sweethome3d-furniture holds five such libraries.
"""

from __future__ import annotations

import colorsys
import re
import shutil
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyvista
import vtk

from packshot.errors import SourceError

_CATALOGUE = "PluginFurnitureCatalog.properties"
_FEATURE_DEGREES = 42


@dataclass(frozen=True, slots=True)
class Model:
    """`obj` the unpacked model; `size_cm` its width, height and depth; `elevation_cm` how high it hangs; `rotation`, a
    3×3 matrix by rows, sets it upright."""

    obj: Path
    library: str
    number: int
    category: str
    size_cm: tuple[float, float, float]
    elevation_cm: float
    rotation: tuple[float, ...] = (1, 0, 0, 0, 1, 0, 0, 0, 1)

    @property
    def name(self) -> str:
        return f"{self.library}-{self.number:03d}"

    @property
    def width(self) -> float:
        return self.size_cm[0]

    @property
    def height(self) -> float:
        return self.size_cm[1]

    @property
    def depth(self) -> float:
        return self.size_cm[2]


def read_library(path: Path, unpacked: Path) -> list[Model]:
    """The models of a library, unpacked into a folder. A `SourceError` when it is none."""
    folder = unpacked / path.stem
    try:
        with zipfile.ZipFile(path) as archive:
            text = archive.read(_CATALOGUE).decode("latin-1")
            if not folder.exists():
                unfinished = folder.with_name(f"{folder.name}.part")
                shutil.rmtree(unfinished, ignore_errors=True)
                archive.extractall(unfinished)
                unfinished.rename(folder)
    except (OSError, zipfile.BadZipFile, KeyError) as error:
        raise SourceError(f"{path} is no furniture library (.sh3f): {error}") from None
    entries: dict[int, dict[str, str]] = {}
    for name, number, value in re.findall(r"^(\w+)#(\d+)=(.*?)\r?$", text, re.MULTILINE):
        entries.setdefault(int(number), {})[name] = value
    models = []
    for number, entry in sorted(entries.items()):
        obj = folder / entry.get("model", "").lstrip("/")
        if obj.suffix != ".obj" or not obj.exists():
            continue
        try:
            size = float(entry["width"]), float(entry["height"]), float(entry["depth"])
            elevation = float(entry.get("elevation", 0))
            rotation = tuple(float(value) for value in entry.get("modelRotation", "1 0 0 0 1 0 0 0 1").split())
        except (KeyError, ValueError) as error:
            raise SourceError(f"{path}: model {number} has no size in centimetres: {error}") from None
        models.append(Model(obj, path.stem, number, entry.get("category", ""), size, elevation, rotation))
    return models


def _materials(obj: Path) -> str | None:
    """The file of materials that a model names, or the one beside it."""
    with obj.open(errors="replace") as lines:
        named = next((line.split(maxsplit=1)[1].strip() for line in lines if line.startswith("mtllib ")), "")
    found = [path for path in (obj.with_name(Path(named).name), obj.with_suffix(".mtl")) if path.is_file()]
    return str(found[0]) if found else None


def draw_tint(rng: np.random.Generator) -> np.ndarray:
    """RGB in [0, 1] for parts that a model leaves grey."""
    return np.array(colorsys.hsv_to_rgb(rng.random(), rng.uniform(0.1, 0.65), rng.uniform(0.6, 1)))


def add_model(plotter: pyvista.Plotter, model: Model, tint: np.ndarray | None) -> list:
    """Add a model, upright; returns its VTK actors. Grey parts take the tint."""
    known = list(plotter.renderer.GetActors())
    plotter.import_obj(str(model.obj), _materials(model.obj))
    upright = vtk.vtkTransform()
    a, b, c, d, e, f, g, h, i = model.rotation
    upright.SetMatrix((a, b, c, 0, d, e, f, 0, g, h, i, 0, 0, 0, 0, 1))
    actors = [actor for actor in plotter.renderer.GetActors() if actor not in known]
    for actor in actors:
        actor.SetUserTransform(upright)
        mesh = actor.GetMapper().GetInput()
        if mesh is None or not mesh.GetNumberOfPoints():
            continue
        # Many models come without normals: smooth, but for edges that are meant.
        normals = vtk.vtkPolyDataNormals()
        normals.SetInputData(mesh)
        normals.SetFeatureAngle(_FEATURE_DEGREES)
        normals.ConsistencyOff()
        normals.Update()
        actor.GetMapper().SetInputDataObject(normals.GetOutput())
        surface = actor.GetProperty()
        surface.SetInterpolationToPhong()
        surface.SetAmbient(0.2)
        surface.SetSpecular(min(surface.GetSpecular(), 0.35))
        own = np.array(surface.GetDiffuseColor())
        grey = own.max() - own.min() < 0.06 and 0.25 < own.mean() < 0.95
        if tint is not None and grey and actor.GetTexture() is None:
            surface.SetDiffuseColor(*np.clip(tint * (0.5 + 0.6 * own.mean()), 0, 1))
            surface.SetAmbientColor(*np.clip(tint * own.mean(), 0, 1))
    return actors


def place_model(
    plotter: pyvista.Plotter, model: Model, xz_cm: tuple[float, float], yaw_degrees: float, tint: np.ndarray | None
) -> list:
    """Add a model with its longest side as long as it is in truth, on the floor or where it hangs; its actors."""
    actors = add_model(plotter, model, tint)
    drawn = [a.GetBounds() for a in actors if a.GetMapper().GetInput() and a.GetMapper().GetInput().GetNumberOfPoints()]
    if not drawn:
        return []
    bounds = np.array(drawn)
    low, high = bounds[:, ::2].min(0), bounds[:, 1::2].max(0)
    scale = max(model.size_cm) / max((high - low).max(), 1e-6)
    where = vtk.vtkTransform()
    where.Translate(xz_cm[0], model.elevation_cm, xz_cm[1])
    where.RotateY(yaw_degrees)
    where.Scale(scale, scale, scale)
    where.Translate(-(low[0] + high[0]) / 2, -low[1], -(low[2] + high[2]) / 2)
    where.Concatenate(actors[0].GetUserTransform().GetMatrix())
    for actor in actors:
        actor.SetUserTransform(where)
    return actors


def add_light(
    plotter: pyvista.Plotter, at: Iterable[float], towards: Iterable[float], strength: float, colour: Iterable[float]
) -> None:
    plotter.add_light(
        pyvista.Light(
            position=tuple(at),
            focal_point=tuple(towards),
            intensity=float(strength),
            color=tuple(colour),
            light_type="scene light",
        )
    )
