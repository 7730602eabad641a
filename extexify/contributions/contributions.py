"""Drawings that visitors of the Draw page name: where they are kept, and how many wait for the next export.

They go into the workspace's embedded store, or into a PostgreSQL database when the setting EXTEXIFY_CONTRIBUTIONS
names one. Both are sources of the export like any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from extexify.access import permissions
from extexify.contributions.sqlite_store import FIRST_ID, LAST_ID, DrawingStore
from extexify.core import settings
from extexify.sources.open import ENVIRONMENT
from extexify.workspace.files import StorageError
from extexify.workspace.paths import store_file

if TYPE_CHECKING:
    from extexify.dataset.dataset import Dataset


class Contributions(Protocol):
    """A store of drawings. Every method raises `StorageError`, one sentence without an address or password."""

    def add(self, key: str, drawing: Sequence[NDArray[np.floating]]) -> int:
        """Store a drawing for good and return its id, higher than all before it. Raises `BadDrawing` as well."""
        ...

    def remove(self, identifier: int) -> None:
        """Take a drawing out again."""
        ...

    def count(self, after: int = 0) -> int:
        """How many drawings there are with an id above `after`."""
        ...


@permissions.operators_only
def open_contributions() -> Contributions:
    """The store that the settings name; it is made with its first drawing. Raises `StorageError`."""
    address = settings.value_of(settings.CONTRIBUTIONS)
    if not address:
        return DrawingStore(store_file())
    if not address.startswith(("postgresql://", "postgres://")):
        raise StorageError(f"{settings.CONTRIBUTIONS.name} must be a postgresql:// address, or not be set at all")
    from extexify.contributions.postgres_store import PostgresStore

    return PostgresStore(address)


def place() -> str:
    """Where contributions go, in words."""
    return "the shared database" if settings.value_of(settings.CONTRIBUTIONS) else "this workspace"


def as_source() -> str:
    """The address by which an export reads them (see `extexify.sources.open.open_source`); it holds no password."""
    if settings.value_of(settings.CONTRIBUTIONS):
        return ENVIRONMENT + settings.CONTRIBUTIONS.name
    return str(store_file())


@permissions.operators_only
def contributed() -> int:
    """How many there are to export; makes no store where there is none yet. Raises `StorageError`."""
    if not settings.value_of(settings.CONTRIBUTIONS) and not store_file().exists():
        return 0
    return open_contributions().count()


def waiting(contributions: Contributions, dataset: Dataset | None) -> int:
    """How many drawings were added since the dataset was exported; all of them when it has none of them.

    Ids grow, so those above the dataset's highest one are new. Raises `StorageError`.
    """
    return contributions.count(after=_last_exported(dataset))


def _last_exported(dataset: Dataset | None) -> int:
    if dataset is None:
        return 0
    ids = np.asarray(dataset.ids)
    return int(ids[(ids >= FIRST_ID) & (ids <= LAST_ID)].max(initial=0))
