"""The sign-in form in place of a closed page, and Sign out in the sidebar."""

from __future__ import annotations

from typing import Literal

import streamlit as st

from extexify.access import permissions
from extexify.access.passwords import MAX_PASSWORD
from extexify.core import settings
from extexify.core.errors import UserError
from extexify.ui.common.components import assets
from extexify.ui.common.errors import show_error
from extexify.ui.common.frame import page_frame
from extexify.ui.common.text import escaped
from extexify.ui.sign_in import access

_COOKIE = st.components.v2.component("extexify_operator_cookie", js=assets("ui/sign_in/cookie.js"))
"""An invisible component that gets the cookie."""


def operator_page(title: str, purpose: str, *, wide: bool = False) -> None:
    """`page_frame` for operators; visitors get the sign-in form, and the page's script stops."""
    if permissions.is_operator():
        page_frame(title, purpose, wide=wide)
        return
    page_frame(title, "This page is for the operators of this demo.")
    show_sign_in()
    st.stop()


def show_sign_in() -> None:
    """Show the ways to sign in, or how to configure one."""
    if not access.can_sign_in():
        st.info(
            f"No sign-in is configured here: set `{settings.PASSWORD_HASH.name}`, or "
            f"`[auth]` and `{settings.OPERATORS.name}` (see `docs/deploy.md`).",
            icon=":material/lock:",
        )
        return
    with st.container(border=True, width=420, key="sign-in"):
        if access.password_hash():
            _show_password()
        for provider in access.providers():
            name = "" if provider == "default" else f" with {escaped(provider)}"
            st.button(
                f"Sign in{name}" if name else "Sign in with your account",
                icon=":material/login:",
                key=f"sign-in-{provider}",
                on_click=st.login,
                args=(None if provider == "default" else provider,),
                width="stretch",
            )
        if address := access.provider_address():
            verified = "The provider doesn’t say that it has verified {}."
            why = verified if access.is_operators(address) else "{} is not among this demo’s operators."
            st.warning(why.format(escaped(address)), icon=":material/block:")
            st.button("Sign out", key="sign-in-leave", on_click=access.sign_out, type="tertiary")


def _show_password() -> None:
    with st.form("sign-in-form", clear_on_submit=True, border=False):
        password = st.text_input(
            "Password", type="password", max_chars=MAX_PASSWORD, autocomplete="current-password", key="sign-in-password"
        )
        go = st.form_submit_button("Sign in", type="primary", icon=":material/login:")
    if go and password:
        try:
            access.sign_in(password)
        except UserError as error:
            show_error(error)
        else:
            st.rerun()


def listed(condition: bool) -> Literal["visible", "hidden"]:
    """The visibility of a page in the navigation; its address works in any case."""
    return "visible" if condition else "hidden"


def sidebar_sign_in() -> None:
    """Show in the sidebar who is signed in, and Sign out."""
    if token := access.token_for_cookie():
        # Outside of the sidebar, where the invisible component would take up a row.
        _COOKIE(data={"token": token, "address": access.COOKIE_ROUTE}, key="operator-cookie")
    with st.sidebar, st.container(key="operator"):
        st.caption(f"Signed in as {escaped(access.operator_address() or 'operator')}")
        st.button("Sign out", icon=":material/logout:", key="sign-out", on_click=access.sign_out)
