"""The dashboard's entry: the server's start, the page frame and the navigation, nothing else.

`streamlit run app.py` imports this file once, to serve `app`, and then runs it anew for every visit.
"""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

from extexify.ui import catalog_routes, serving, share_routes
from extexify.ui.frame import ICON, LOGO, SIDEBAR
from extexify.ui.job_panel import sidebar_jobs

if __name__ == "__main__":
    st.set_page_config(page_title="Extexify", page_icon=ICON, layout="wide", initial_sidebar_state=SIDEBAR)
    st.logo(LOGO, size="large", icon_image=ICON)
    page = st.navigation(
        {
            "Find a symbol": [
                st.Page("pages/draw.py", title="Draw", icon=":material/draw:", default=True),
                st.Page("pages/symbols.py", title="Symbols", icon=":material/grid_view:"),
            ],
            "Train a model": [
                st.Page("pages/export.py", title="Export", icon=":material/database:"),
                st.Page("pages/render.py", title="Render", icon=":material/image:"),
                st.Page("pages/train.py", title="Train", icon=":material/model_training:"),
                st.Page("pages/evaluate.py", title="Evaluate", icon=":material/query_stats:"),
                st.Page("pages/models.py", title="Models", icon=":material/inventory_2:"),
            ],
        }
    )
    sidebar_jobs()
    page.run()
else:
    # Or else a server's first visit, if it is to a page's own address, goes the old way of folders named `pages`:
    # past this file, its frame and its navigation.
    PagesManager.uses_pages_directory = False
    app = st.App(__file__, lifespan=serving.lifespan, routes=[*catalog_routes.routes(), *share_routes.routes()])
