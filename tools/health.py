"""Check the dashboard of this container: exit code 0 if it answers, else 1. For Docker's HEALTHCHECK, without curl."""

from __future__ import annotations

import os
import sys
from urllib.request import urlopen

PATIENCE = 4.0  # seconds


def address() -> str:
    """The address of the server's health check, from the settings that Streamlit reads."""
    port = os.environ.get("STREAMLIT_SERVER_PORT", "8501")
    base = os.environ.get("STREAMLIT_SERVER_BASE_URL_PATH", "").strip("/")
    return f"http://127.0.0.1:{port}/{base}{'/' if base else ''}_stcore/health"


if __name__ == "__main__":
    try:
        with urlopen(address(), timeout=PATIENCE) as answer:
            sys.exit(answer.status != 200)
    except OSError as error:
        sys.exit(f"{address()}: {error}")
