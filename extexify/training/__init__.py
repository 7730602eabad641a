"""Recipes, augmentation, data loading, the training loop, runs, the pipeline."""
