"""Drawings that visitors keep: their stores, and moderation."""
