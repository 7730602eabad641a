"""Drawings: strokes, their JSON, the rasterizer, the resampler, links and pictures."""
