"""The dashboard's entry: the server's start, the page frame and the navigation, nothing else.

`streamlit run app.py` imports this module once, to serve `app`, and then executes it for every run of a page.
"""

from __future__ import annotations

import streamlit as st
from starlette.middleware import Middleware
from streamlit.runtime.pages_manager import PagesManager

from extexify.access.permissions import is_demo, is_operator
from extexify.ui.api import routes as api
from extexify.ui.common import catalog_routes, errors
from extexify.ui.common.frame import ICON, LOGO, SIDEBAR
from extexify.ui.common.job_panel import sidebar_jobs
from extexify.ui.draw import serving, share_routes
from extexify.ui.models import offline_routes
from extexify.ui.server import log
from extexify.ui.server.connections import DemoLimits
from extexify.ui.server.cookies import PlainCookies
from extexify.ui.server.headers import SecurityHeaders
from extexify.ui.server.messages import DemoMessages
from extexify.ui.server.origins import KnownOrigins
from extexify.ui.server.turns import Turns
from extexify.ui.sign_in import access
from extexify.ui.sign_in.view import listed, sidebar_sign_in

if __name__ == "__main__":
    st.set_page_config(page_title="Extexify", page_icon=ICON, layout="wide", initial_sidebar_state=SIDEBAR)
    st.logo(LOGO, size="large", icon_image=ICON)
    # A page that is not listed can still be opened by its address, and then shows the sign-in form.
    shown = listed(is_operator())
    pages = {
        "Find a symbol": [
            st.Page("pages/draw.py", title="Draw", icon=":material/draw:", default=True),
            st.Page("pages/symbols.py", title="Symbols", icon=":material/grid_view:"),
            st.Page("pages/collect.py", title="Draw what is asked", icon=":material/gesture:"),
        ],
        "Train a model": [
            st.Page("pages/export.py", title="Export", icon=":material/database:", visibility=shown),
            st.Page("pages/render.py", title="Render", icon=":material/image:", visibility=shown),
            st.Page("pages/train.py", title="Train", icon=":material/model_training:", visibility=shown),
            st.Page("pages/evaluate.py", title="Evaluate", icon=":material/query_stats:", visibility=shown),
            st.Page("pages/models.py", title="Models", icon=":material/inventory_2:", visibility=shown),
        ],
    }
    if access.has_moderation():
        pages["Operate the demo"] = [
            st.Page("pages/contributions.py", title="Contributions", icon=":material/inbox:", visibility=shown)
        ]
    if is_demo():
        offered = listed(access.can_sign_in() and not is_operator())
        pages["Operate the demo"] += [
            st.Page("pages/sign_in.py", title="Sign in", icon=":material/login:", visibility=offered)
        ]
    page = st.navigation(pages)
    if is_operator():
        sidebar_jobs()
        if is_demo():
            sidebar_sign_in()
    page.run()
else:
    log.install()
    # Otherwise Streamlit treats the folder `pages` as an old-style multipage app in the server's first visit, which
    # then skips this file if it is to a page's own address.
    PagesManager.uses_pages_directory = False
    access.prepare()
    app = st.App(
        __file__,
        lifespan=serving.lifespan,
        routes=[
            *catalog_routes.routes(),
            *share_routes.routes(),
            *offline_routes.routes(),
            *access.routes(),
            *api.routes(),
        ],
        middleware=[
            Middleware(SecurityHeaders),
            Middleware(KnownOrigins, is_public=api.is_public),
            Middleware(PlainCookies),
            Middleware(DemoLimits),
            Middleware(access.OperatorsFiles),
            Middleware(DemoMessages, script=__file__),
            Middleware(Turns),
        ],
        on_script_error=errors.explain,
    )
