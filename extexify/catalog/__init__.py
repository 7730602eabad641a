"""The catalogue of LaTeX symbols: keys, commands, printed glyphs, search and look-alikes."""
