"""The form that chooses where drawings come from: one or several sources at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import streamlit as st

from extexify.catalog.own import own_symbols, version
from extexify.contributions.store import count_contributions, source_address, store_description
from extexify.sources.base import TABLE, SourceError, Table
from extexify.sources.detexify import ADDRESS, DRAWINGS, LICENCE, MEGABYTES
from extexify.sources.open import ENVIRONMENT, check_source, open_source
from extexify.sources.postgres import PostgresSource
from extexify.sources.starter import DEFAULT_EACH, SCHEME, StarterSource
from extexify.ui.common.connections import postgres_connections
from extexify.ui.common.errors import show_error
from extexify.ui.common.text import escaped, sentence
from extexify.workspace.files import StorageError
from extexify.workspace.uploads import delete_upload, list_uploads, save_upload

DETEXIFY, DUMP, POSTGRES, CONTRIBUTED, OWN, STARTER = (
    "detexify", "dump", "postgres", "contributed", "own", "starter",
)  # fmt: skip

_KINDS = {
    DETEXIFY: ":material/cloud_download: Detexify's drawings",
    DUMP: ":material/description: A file",
    POSTGRES: ":material/database: PostgreSQL",
    CONTRIBUTED: ":material/draw: Drawn here",
    OWN: ":material/add_circle: Your own symbols",
    STARTER: ":material/auto_awesome: Starter drawings",
}

_VARIABLE = "EXTEXIFY_SOURCE"
"""The environment variable that passes a database's address to the job."""

_TYPED = "Type an address"

_MAX_EACH = 1_000
"""The largest number of starter drawings of a symbol; the command line accepts more."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A source: its address on the command line, its name on the page, and environment variables with its secrets."""

    address: str
    title: str
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass
class Choices:
    """The chosen sources, and sentences about what is wrong or missing.

    table is the one to read, "" for the usual one. problems must be mended. empty is about kinds of source without an
    entry, which are ignored beside another source and move to problems if there is none.
    """

    table: str = ""
    sources: list[Choice] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)


def choose_sources(*, key: str, first: str = DUMP) -> Choices:
    """Show the form, at first for sources of one kind; returns the choices made in it."""
    own = version() is not None
    kinds = st.pills(
        "Where the drawings come from",
        [kind for kind in _KINDS if kind != OWN or own],
        selection_mode="multi",
        default=[first, *([OWN] if own else [])],
        format_func=_KINDS.__getitem__,
        help="Several sources are merged: the same drawing under the same id counts once.",
        key=key,
        persist_state="session",
    )
    forms = {
        DETEXIFY: _detexify, DUMP: _dumps, POSTGRES: _postgres, CONTRIBUTED: _contributed, OWN: _own, STARTER: _starter,
    }  # fmt: skip
    choices = Choices()
    for kind, form in forms.items():
        if kind in kinds:
            with st.container(border=True, key=f"{key}-{kind}"):
                form(choices, f"{key}-{kind}")
    if choices.table and len(kinds) > 1 and {POSTGRES, CONTRIBUTED} & {*kinds}:
        choices.problems.append("The table's name would hold for the databases, too: export the files by themselves.")
    if not kinds:
        choices.problems.append("Choose at least one source above.")
    elif not choices.sources:
        choices.problems += choices.empty
    return choices


# --- Detexify's drawings --------------------------------------------------------------------------


def about_detexify() -> str:
    """What the drawings are, their licence and the size of the download, as a part of a sentence."""
    return (
        f"{DRAWINGS:,} real drawings of more than 1,000 symbols, from "
        "[detexify-next](https://github.com/kirel/detexify-next) "
        f"(licence {LICENCE}; about {MEGABYTES} MB are downloaded once, into the workspace)"
    )


def _detexify(choices: Choices, key: str) -> None:
    st.markdown(f"**Detexify's drawings**: {about_detexify()}.")
    choices.sources.append(detexify())


def detexify() -> Choice:
    """Detexify's drawings as a source."""
    return Choice(ADDRESS, "Detexify's drawings")


# --- files ----------------------------------------------------------------------------------------


def _dumps(choices: Choices, key: str) -> None:
    st.markdown(
        "**A file**: a database dump, SQLite, CSV, JSON, InkML, SVG or Parquet, packed or in an archive as well; or a "
        "folder of such files on the server."
    )
    st.caption(
        "All 210,454 drawings of Detexify lie in a Google Drive folder, from which only a browser can download: "
        "follow the link of [detexify-data](https://github.com/kirel/detexify-data), download `detexify.sql.gz` there, "
        "and upload it here."
    )
    chosen = f"{key}-chosen"
    uploads = list_uploads()
    st.session_state[chosen] = [path for path in st.session_state.get(chosen, []) if path in uploads]
    choices.table = st.session_state.get(f"{key}-table", "").strip()
    left, right = st.columns(2, gap="medium")
    with left:
        _take_uploads(key, chosen, choices.table)
    if uploads:
        _choose_uploads(uploads, key, chosen)
    files = [Choice(str(path), path.name) for path in st.session_state[chosen]]
    problem = ""
    with right:
        typed = st.text_input(
            "Or a path on the server",
            key=f"{key}-path",
            placeholder="/data/detexify.sql.gz",
            help="A file or folder on the machine that this dashboard runs on; it stays where it is.",
            persist_state="session",
        ).strip()
        if typed:
            path, problem = _typed_file(typed, choices.table)
            files.append(Choice(str(path), path.name))
        st.text_input(
            "Table",
            key=f"{key}-table",
            placeholder=TABLE,
            help="The table with the drawings, where it has another name.",
            persist_state="session",
        )
    if problem:
        right.error(problem, icon=":material/error:")
        choices.problems.append("Correct the path on the server, or leave it empty.")
    elif not files:
        choices.empty.append("Upload a file, or name one on the server.")
    choices.sources += files


def _typed_file(typed: str, table: str) -> tuple[Path, str]:
    """The file at a typed path, and a sentence that says why it isn't a source of drawings; empty if it is one."""
    if "://" in typed:  # may contain a password: not repeated in the message
        return Path(), "This is an address, not a path: choose PostgreSQL above."
    try:
        path = Path(typed).expanduser().absolute()
    except RuntimeError:
        return Path(), sentence(f"{typed} names the home folder of an unknown user")
    return path, _problem_of(path, table)


def _choose_uploads(uploads: list[Path], key: str, chosen: str) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.multiselect(
            "Uploaded", uploads, format_func=_upload_title, key=chosen, persist_state="session", wrap=True,
            help="Uploaded files stay in the workspace until they are deleted.",
        )  # fmt: skip
        if paths := st.session_state[chosen]:
            with st.popover("Delete", icon=":material/delete:", key=f"{key}-delete"):
                names = ", ".join(escaped(path.name) for path in paths)
                st.markdown(f"Delete {names} from the workspace? Datasets exported from them stay.")
                st.button("Delete", type="primary", key=f"{key}-delete-go", on_click=_forget, args=(paths,))


def _take_uploads(key: str, chosen: str, table: str) -> None:
    """Show the field for files; store the dumps among them, and show a sentence about each other file."""
    turn, errors = f"{key}-turn", f"{key}-errors"
    # A new key empties the field and releases the server's copy of the files.
    number = st.session_state.setdefault(turn, 0)
    files = st.file_uploader("Upload files", accept_multiple_files=True, key=f"{key}-upload-{number}")
    if files:
        problems = []
        for file in files:
            with st.spinner(f"Looking into {escaped(file.name)} …"):
                try:
                    path = save_upload(file.name, file)
                    if problem := _problem_of(path, table, file.name):
                        delete_upload(path)
                        problems.append(problem)
                    elif path not in st.session_state[chosen]:
                        st.session_state[chosen] = [*st.session_state[chosen], path]
                except StorageError as error:
                    problems.append(sentence(str(error)))
        st.session_state[errors] = problems
        st.session_state[turn] = number + 1
        st.rerun()
    for problem in st.session_state.get(errors, []):
        st.error(problem, icon=":material/error:")


def _problem_of(path: Path, table: str, name: str = "") -> str:
    """Why a file isn't a source of drawings, in a sentence that calls it `name`; empty if it is one."""
    try:
        status = path.stat()
        if path.is_fifo():
            problem = f"{path} is a pipe, which can be read only once: name it on the command line"
        else:
            problem = _source_error(path, table, status.st_mtime_ns, status.st_size)
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: a zero byte in the path
        problem = f"{path} does not exist"
    except OSError as error:
        problem = f"{path} can't be read: {error.strerror}"
    return sentence(problem.replace(str(path), f"“{name}”") if name else problem) if problem else ""


# A large dump is read up to its table, which may take seconds.
@st.cache_data(max_entries=50, show_spinner="Looking into the file …")
def _source_error(path: Path, table: str, changed: int, size: int) -> str:
    try:
        check_source(open_source(str(path), Table.named(table)))
    except SourceError as error:
        return str(error)
    return ""


def _forget(paths: list[Path]) -> None:
    for path in paths:
        delete_upload(path)


def _upload_title(path: Path) -> str:
    try:
        status = path.stat()
    except FileNotFoundError:  # deleted in another tab
        return path.name
    return f"{path.name} · {_size(status.st_size)} · {datetime.fromtimestamp(status.st_mtime):%d %b %H:%M}"


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= 1e6 else f"{count / 1e3:,.1f} kB"


# --- databases ------------------------------------------------------------------------------------


def _postgres(choices: Choices, key: str) -> None:
    st.markdown("**PostgreSQL**: a database with a table `samples (id, key, strokes)`, read in one snapshot.")
    connections = postgres_connections()
    name = _TYPED
    if connections:
        name = st.selectbox(
            "Connection",
            [*connections, _TYPED],
            key=f"{key}-connection",
            help="Those in `.streamlit/secrets.toml`, in sections `[connections.NAME]`.",
            persist_state="session",
        )
    if name == _TYPED:
        # Without persist_state: it is dropped when the page is left.
        address = st.text_input(
            "Address",
            type="password",
            key=f"{key}-address",
            placeholder="postgresql://USER:PASSWORD@HOST:5432/DATABASE",
            autocomplete="off",
            help="It is dropped when you leave the page, and neither stored nor shown. To store it, put it into "
            "`.streamlit/secrets.toml` as `url` of a section `[connections.NAME]`.",
        ).strip()  # fmt: skip
        title, variable = "a PostgreSQL database", _VARIABLE
    else:
        address = connections[name]
        title, variable = f"the database {name}", f"{_VARIABLE}_{_as_variable(name)}"
    if not address:
        choices.empty.append("Type the address of the PostgreSQL database.")
        return
    try:
        source = PostgresSource(address, alias="the database")
    except SourceError as error:
        show_error(error)
        choices.problems.append("Correct the address of the PostgreSQL database.")
        return
    if st.button("Try the connection", icon=":material/cable:", key=f"{key}-try"):
        with st.spinner("Connecting …"):
            try:
                rows = source.count()
                st.success(f"Connected: its table has {rows:,} rows.", icon=":material/check_circle:")
            except SourceError as error:
                show_error(error)
    choices.sources.append(Choice(ENVIRONMENT + variable, title, {variable: address}))


def _as_variable(name: str) -> str:
    """A connection's name as part of an environment variable's."""
    return "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in name).upper()


# --- contributed and starter drawings --------------------------------------------------------------


def _contributed(choices: Choices, key: str) -> None:
    try:
        count = count_contributions()
    except StorageError as error:
        show_error(error)
        choices.problems.append("Leave out the drawings that were drawn here, or mend what the message above says.")
        return
    st.markdown(
        f"**Drawn here**: {count:,} drawing{'' if count == 1 else 's'} that visitors contributed on the Draw page, "
        f"stored in {store_description()}."
    )
    if count:
        choices.sources.append(Choice(source_address(), "the drawings drawn here"))
    else:
        st.page_link("pages/draw.py", label="Draw some first", icon=":material/draw:")
        choices.empty.append("Nothing has been contributed here yet.")


def _own(choices: Choices, key: str) -> None:
    try:
        symbols = own_symbols()
    except StorageError as error:
        show_error(error)
        choices.problems.append("Leave out your own symbols, or mend what the message above says.")
        return
    count = sum(len(symbol.drawings) for symbol in symbols.values())
    st.markdown(
        f"**Your own symbols**: {count:,} drawing{'' if count == 1 else 's'} of {len(symbols):,} that you added on the "
        "Symbols page. A symbol needs three drawings to be trained; it is found without training, too."
    )
    if count:
        choices.sources.append(Choice("own", "your own symbols"))
    else:
        choices.empty.append("There are no drawings of your own symbols yet.")


def _starter(choices: Choices, key: str) -> None:
    st.markdown(
        "**Starter drawings**: synthetic ones, made from the printed symbols. Use them to train a first model, or add "
        "them to a source with few drawings of rare symbols."
    )
    with st.container(horizontal=True):
        each = st.number_input(
            "Drawings of each symbol", 1, _MAX_EACH, DEFAULT_EACH, key=f"{key}-each", persist_state="session",
            width=220,
        )  # fmt: skip
        seed = st.number_input(
            "Seed of the drawings", 0, 2**31, 0, key=f"{key}-seed", persist_state="session", width=220,
            help="Another number gives other drawings; the same one the same drawings.",
        )  # fmt: skip
    source = StarterSource(each=each, seed=seed)
    st.caption(f"{source.position()[1]:,} drawings of {len(source.symbols):,} symbols")
    choices.sources.append(starter(each, seed))


def starter(each: int = DEFAULT_EACH, seed: int = 0) -> Choice:
    """The starter drawings as a source."""
    return Choice(f"{SCHEME}:each={each},seed={seed}", "the starter drawings")


def source_arguments(choices: Choices) -> tuple[list[str], dict[str, str]]:
    """The sources as arguments of the command line, and the environment variables that these need."""
    arguments = [argument for source in choices.sources for argument in ("--source", source.address)]
    if choices.table:
        arguments.append(f"--table={choices.table}")
    return arguments, {name: value for source in choices.sources for name, value in source.secrets.items()}


def titles(sources: Sequence[Choice]) -> str:
    """The sources' names for a sentence: `a`, `a and b`, `a, b and c`."""
    names = [source.title for source in sources]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
