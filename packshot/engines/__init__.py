"""The engines by stage and name. Their modules are imported only when they are used."""

from importlib import import_module
from typing import Any

from packshot.engines.base import Engine
from packshot.errors import SettingError

REGISTRY: dict[tuple[str, str], str] = {
    ("ocr", "rapid"): "packshot.engines.ocr_rapid:RapidOcr",
    ("ocr", "tesseract"): "packshot.engines.ocr_tesseract:TesseractOcr",
    ("ocr", "easyocr"): "packshot.engines.ocr_easyocr:EasyOcr",
    ("segment", "grabcut"): "packshot.engines.segment_grabcut:GrabCutSegmenter",
    ("segment", "sam"): "packshot.engines.segment_sam:SamSegmenter",
    ("classify", "three_input"): "packshot.engines.classify_three_input:ThreeInputClassifier",
    ("caption", "colours"): "packshot.engines.caption_colours:ColourCaptioner",
    ("caption", "clip"): "packshot.engines.caption_clip:ClipCaptioner",
    ("detect", "masks"): "packshot.engines.detect_masks:MaskDetector",
    ("detect", "grounding_dino"): "packshot.engines.detect_grounding_dino:GroundingDino",
    ("detect", "groundingdino_original"): ("packshot.engines.detect_groundingdino_original:OriginalGroundingDino"),
    ("mask", "grabcut"): "packshot.engines.mask_grabcut:GrabCutMask",
    ("mask", "sam"): "packshot.engines.mask_sam:SamMask",
    ("repair", "opencv"): "packshot.engines.repair_opencv:OpenCvRepair",
    ("repair", "diffusion"): "packshot.engines.repair_diffusion:RepairDiffusion",
    ("inpaint", "studio"): "packshot.engines.inpaint_studio:StudioBackdrop",
    ("inpaint", "diffusion"): "packshot.engines.inpaint_diffusion:InpaintDiffusion",
    ("deliver", "preset"): "packshot.engines.deliver_preset:PresetDelivery",
}


def engine_class(stage: str, name: str) -> type[Engine]:
    """The class of an engine: a name from the registry, or `module:Class` of an engine outside packshot.

    Raises `SettingError` with the choices when there is none.
    """
    path = REGISTRY.get((stage, name), name)
    module, colon, attribute = path.partition(":")
    if not colon:
        choices = ", ".join(sorted(n for s, n in REGISTRY if s == stage)) or "none"
        raise SettingError(f"stage {stage} has no engine {name!r}; there is: {choices}, or module:Class of your own")
    try:
        cls = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise SettingError(f"engine {name!r} of stage {stage} cannot be loaded: {error}") from error
    if not (isinstance(cls, type) and issubclass(cls, Engine) and cls.stage == stage):
        raise SettingError(f"{path} is no engine for stage {stage}")
    return cls


def make_engine(stage: str, name: str, params: dict[str, Any]) -> Engine:
    """Load an engine with its parameters, as a profile states them."""
    cls = engine_class(stage, name)
    return cls(cls.Params(**params))
