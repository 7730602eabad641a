"""The dashboard's entry: the server's start, the page frame and the navigation, nothing else.

`streamlit run app.py` imports this file once, to serve `app`, and then runs it anew for every visit.
"""

from __future__ import annotations

import streamlit as st

from extexify.ui import serving
from extexify.ui.frame import ICON

if __name__ == "__main__":
    st.set_page_config(page_title="Extexify", page_icon=ICON, layout="wide")
    st.navigation([st.Page("pages/draw.py", title="Draw", icon=":material/draw:", default=True)]).run()
else:
    app = st.App(__file__, lifespan=serving.lifespan)
