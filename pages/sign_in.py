"""The Sign in page of a public demo, for its operators."""

from __future__ import annotations

import streamlit as st

from extexify.ui.sign_in.view import operator_page

operator_page("Sign in", "You are signed in: everything is open to you.")
st.page_link("pages/contributions.py", label="See what visitors have sent", icon=":material/inbox:")
