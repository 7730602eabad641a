"""Where the dashboard lies on its host."""

from __future__ import annotations

import streamlit as st


def base_path() -> str:
    """The server's configured base path: "" or "/folder"."""
    base = st.get_option("server.baseUrlPath").strip("/")
    return f"/{base}" if base else ""
