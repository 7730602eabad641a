"""Find a LaTeX symbol by drawing it, and train the classifier behind that.

The package is usable from a script or a notebook and never imports Streamlit outside `extexify.ui`.
Importing it is cheap: heavy parts (torch, numba, psycopg2) load with the module that needs them.
"""

__version__ = "0.1.0"
