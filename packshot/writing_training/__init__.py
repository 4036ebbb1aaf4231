"""Trains the network of packshot.small_writing on drawn photos, of which the place of all writing is known."""
