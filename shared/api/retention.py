"""
Whether the app's own account keeps blobs that are overwritten there: versioning, soft delete, change feed.

The app overwrites its ledger every second, so each of them turns into a bill. The setting itself (Get Blob Service
Properties) needs a right on management, which the app's roles on data lack. So a look writes and deletes a blob, and
sees whether the account keeps it. That costs four requests, hence one look an hour in each process.
"""

import secrets
from contextlib import suppress
from datetime import timedelta

from shared import names
from shared.configuration.storage_accounts import Account
from shared.errors import BlobsightError
from shared.services import App
from shared.storage.blobs import Blobs

CODE = "storage_keeps_versions"
ACTION = (
    "Turn versioning, soft delete for blobs and the change feed off for this account (Data protection in the portal),"
    " or give AzureWebJobsStorage an account of its own."
)
_FRESH_SECONDS = 3600.0
# It follows within the hour; its container stays when it is turned off ("Change feed support in Azure Blob Storage").
_FOLLOWED = timedelta(days=1)


class Retention:
    """The findings of the last look. One look at a time."""

    def __init__(self) -> None:
        self._looked: float | None = None
        self._features: tuple[str, ...] = ()
        self._account: Account | None = None

    def is_due(self, app: App) -> bool:
        """Whether the last look, or the last try at one, is too long ago."""
        return self._looked is None or app.clock.now() - self._looked >= _FRESH_SECONDS

    def look(self, app: App) -> None:
        """Look anew. A finding that the look cannot renew stays."""
        self._looked = app.clock.now()
        self._account = app.settings.host_storage
        found = []
        kept = app.host.kept(names.HEALTH, names.retention(secrets.token_hex(16)))
        if kept.versions:
            found.append("versioning")
        if kept.deleted:
            found.append("soft delete")
        with suppress(BlobsightError):
            if _is_followed(app.host, app):
                found.append("the change feed")
        self._features = tuple(found)

    def warning(self) -> tuple[str, str] | None:
        """Message and action, if there is something to warn of."""
        if not self._features or self._account is None:
            return None
        *first, last = self._features
        listed = f"{', '.join(first)} and {last}" if first else last
        account = f"The storage account {self._account.name}".rstrip()
        told = "what the app overwrites there, its books every second, is kept and billed"
        return f"{account} ({self._account.setting}) has {listed} on: {told}.", ACTION


def _is_followed(host: Blobs, app: App) -> bool:
    """Whether the change feed has finished a segment lately."""
    segments = host.head(*names.CHANGE_FEED)
    return bool(segments and segments.modified and app.clock.utc() - segments.modified < _FOLLOWED)
