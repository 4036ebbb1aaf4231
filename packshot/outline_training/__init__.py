"""Trains the network of packshot.outline on drawn photos and all that rules and the first network found in them."""
