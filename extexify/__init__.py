"""Find a LaTeX symbol by drawing it, and train the classifier behind that.

The package is usable from a script or a notebook and never imports Streamlit outside `extexify.ui`.
Importing it is cheap: heavy parts (torch, numba, psycopg2) load with the module that needs them.
"""

import os

__version__ = "0.1.0"

# From 1.29 on, onnxruntime's builds for Linux tell its makers of every model that is loaded, unless this is set before
# they are. What is drawn and trained here is nobody else's business.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
