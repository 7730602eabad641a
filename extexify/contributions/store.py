"""The store of contributed drawings: those that visitors of the Draw page labelled.

It is an SQLite file in the workspace, or a PostgreSQL database if the setting EXTEXIFY_CONTRIBUTIONS has its address.
Both are sources that an export can read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from extexify.access import permissions
from extexify.contributions.sqlite_store import FIRST_CONTRIBUTION_ID, LAST_CONTRIBUTION_ID, SqliteStore, count_by_key
from extexify.core import settings
from extexify.sources.open import ENVIRONMENT
from extexify.workspace.files import StorageError
from extexify.workspace.paths import store_file

if TYPE_CHECKING:
    from extexify.contributions.postgres_store import PostgresStore
    from extexify.dataset.dataset import Dataset


class ContributionStore(Protocol):
    """A store of labelled drawings.

    Every method raises `StorageError` when the store can't be used; messages contain no address and no password.
    """

    def add(self, key: str, drawing: Sequence[NDArray[np.floating]]) -> int:
        """Store a drawing durably and return its id, higher than all earlier ones.

        Raises `BadDrawing` for a key or drawing that an export would leave out.
        """
        ...

    def remove(self, identifier: int) -> None:
        """Delete a drawing; no error if there is none with this id."""
        ...

    def count(self, after: int = 0) -> int:
        """The number of drawings with an id above `after`."""
        ...


@permissions.operators_only
def open_store() -> ContributionStore:
    """The store that the settings choose, created with its first drawing. Raises `StorageError`."""
    address = settings.value_of(settings.CONTRIBUTIONS)
    return _postgres_store(address) if address else SqliteStore(store_file())


def _postgres_store(address: str) -> PostgresStore:
    if not address.startswith(("postgresql://", "postgres://")):
        raise StorageError(f"{settings.CONTRIBUTIONS.name} must be a postgresql:// address, or not be set at all")
    from extexify.contributions.postgres_store import PostgresStore

    return PostgresStore(address)


def store_description() -> str:
    """Where contributions are stored, as a phrase for messages."""
    return "the shared database" if settings.value_of(settings.CONTRIBUTIONS) else "this workspace"


def source_address() -> str:
    """The store's address as a source (see `extexify.sources.open.open_source`); it contains no password."""
    if settings.value_of(settings.CONTRIBUTIONS):
        return ENVIRONMENT + settings.CONTRIBUTIONS.name
    return str(store_file())


@permissions.operators_only
def count_contributions() -> int:
    """The number of contributed drawings; creates no store. Raises `StorageError`."""
    if not settings.value_of(settings.CONTRIBUTIONS) and not store_file().exists():
        return 0
    return open_store().count()


def count_unexported(store: ContributionStore, dataset: Dataset | None) -> int:
    """The number of drawings that were added after the dataset's latest contribution. Raises `StorageError`."""
    return store.count(after=_last_exported_id(dataset))


def drawings_by_key(dataset: Dataset | None) -> dict[str, int]:
    """The number of drawings of each key that people made: the dataset's, and contributions that it doesn't hold.

    Not for operators alone: in a public demo it says which symbols visitors are asked to draw. Creates no store.
    Raises `StorageError` when the store can't be read.
    """
    after = _last_exported_id(dataset)
    if address := settings.value_of(settings.CONTRIBUTIONS):
        counts = Counter(_postgres_store(address).count_by_key(after))
    else:
        counts = Counter(count_by_key(store_file(), after) if store_file().exists() else {})
    if dataset is not None:
        counts.update(dict(zip(dataset.classes, dataset.people_counts.tolist(), strict=True)))
    return dict(counts)


def _last_exported_id(dataset: Dataset | None) -> int:
    """The highest id of a contribution in the dataset, 0 without any."""
    if dataset is None:
        return 0
    ids = np.asarray(dataset.ids)
    return int(ids[(ids >= FIRST_CONTRIBUTION_ID) & (ids <= LAST_CONTRIBUTION_ID)].max(initial=0))
