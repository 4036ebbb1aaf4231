"""A synthetic catalogue of marketplace photos with exact truth: verdicts, masks, boxes, texts."""

from packshot.synth.compose import NATURAL_COUNTS, SynthPhoto, make_photo

__all__ = ["NATURAL_COUNTS", "SynthPhoto", "make_photo"]
