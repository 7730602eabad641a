"""Drawings: strokes and their JSON, the rasterizer, the resampler, model inputs, links and image files."""
