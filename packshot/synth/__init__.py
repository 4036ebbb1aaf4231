"""A synthetic catalogue of marketplace photos with exact truth: verdicts, masks, boxes, texts."""

from packshot.synth.catalogue import write_catalogue
from packshot.synth.compose import NATURAL_COUNTS, SynthPhoto, make_photo

__all__ = ["NATURAL_COUNTS", "SynthPhoto", "make_photo", "write_catalogue"]
