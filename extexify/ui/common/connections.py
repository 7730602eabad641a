"""PostgreSQL connections in `.streamlit/secrets.toml`, in the format of Streamlit's own connections.

    [connections.symbols]
    url = "postgresql://user:password@host/database"

or, in place of `url`, `dialect`, `host`, `port`, `database`, `username`, `password` and `query`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

import streamlit as st

from extexify.access import permissions
from extexify.sources.open import POSTGRES

_DIALECTS = ("postgresql", "postgres")


@permissions.operators_only
def postgres_connections() -> dict[str, str]:
    """Name → address of each PostgreSQL connection in the secrets; empty without a file of secrets."""
    if not st.secrets.load_if_toml_exists():
        return {}
    sections = st.secrets.get("connections", {})
    found = {name: address_of(section) for name, section in sections.items() if isinstance(section, Mapping)}
    return {name: address for name, address in found.items() if address}


def address_of(section: Mapping[str, Any]) -> str:
    """The postgresql:// address of a section, or an empty string for another kind of database."""
    if url := str(section.get("url", "")):
        scheme, _, rest = url.partition("://")
        # SQLAlchemy's addresses may include a driver, as in postgresql+psycopg2.
        plain = f"{scheme.partition('+')[0]}://{rest}"
        return plain if plain.startswith(POSTGRES) else ""
    if section.get("dialect") not in _DIALECTS:
        return ""
    user, password = (quote(str(section.get(name, "")), safe="") for name in ("username", "password"))
    login = f"{user}{password and ':' + password}@" if user or password else ""
    host, port = str(section.get("host", "")), str(section.get("port", ""))
    # IPv6 addresses contain colons.
    place = f"[{host}]" if ":" in host else quote(host, safe="")
    query = section.get("query")
    options = f"?{urlencode(dict(query), quote_via=quote)}" if isinstance(query, Mapping) and query else ""
    database = quote(str(section.get("database", "")), safe="")
    return f"postgresql://{login}{place}{port and ':' + port}/{database}{options}"
