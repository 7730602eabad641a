"""What the dashboard's pages share.

Nothing outside this package imports Streamlit. Whoever imports it is the dashboard, and in a public demo asks on whose
behalf it acts (see `extexify.access.permissions`).
"""

from extexify.access import permissions


def _is_signed_in() -> bool:
    # Not above: commands' tools take single modules of this package, and need no Streamlit for that.
    from extexify.ui.sign_in.access import is_signed_in

    return is_signed_in()


permissions.set_operator_check(_is_signed_in)
