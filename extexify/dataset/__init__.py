"""Datasets: export, deduplication and splits, rendered images, the review list."""
