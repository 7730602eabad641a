"""The symbols of LaTeX: what to type, how they print, search, and which of them look alike."""
