"""The dashboard's user interface: a package a page, and `common`.

Only this package imports Streamlit. Importing it makes the process a dashboard: in a public demo, permissions depend on
the visit that a thread runs for (see `extexify.access.permissions`).
"""

from extexify.access import permissions


def _is_signed_in() -> bool:
    # Imported late: tools that use single modules of this package don't need Streamlit.
    from extexify.ui.sign_in.access import is_signed_in

    return is_signed_in()


permissions.set_operator_check(_is_signed_in)
