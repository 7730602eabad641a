"""The folder with everything that a user's work produces: atomic files, paths, jobs, uploads."""
