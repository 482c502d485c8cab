"""
Where claims are written: at once, or later where storage does not take what the service said.
"""

import logging

from shared import log, names, threads
from shared.answers import claim_documents
from shared.answers.claim_documents import ClaimDocument, Said
from shared.answers.held import Held
from shared.errors import ConflictError, StorageError
from shared.storage.blobs import Blobs, IfEtag
from shared.transport import time_budget

_logger = logging.getLogger(__name__)


class ClaimStore:
    """
    Claims in the host account. Safe for threads.

    Attributes:
        unstored: what the service said and storage has not taken yet, by the claim's name. It may serve others already.
    """

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self.unstored: dict[str, Said] = {}

    def write(
        self, name: str, document: ClaimDocument, *, condition: IfEtag | None = None, lease: str | None = None
    ) -> str:
        """Write a claim and return its ETag; ConflictError if the condition or the lease does not hold."""
        data, told = claim_documents.write(document), claim_documents.metadata(document)
        return self._blobs.write(
            names.CACHE, name, data, content_type=names.JSON, metadata=told, condition=condition, lease=lease
        )

    def keep(self, held: Held, document: Said, *, release: bool) -> None:
        """Keep what the service said. The caller gets it even if storage does not take it."""
        self.unstored[held.name] = document
        with time_budget.overtime():
            stored = self._is_stored(held, document, release=release)
        if stored:
            self.unstored.pop(held.name, None)
            return

        def later() -> None:
            with time_budget.apart():
                self._is_stored(held, document, release=release)
            self.unstored.pop(held.name, None)

        threads.begin(f"store {held.lease}", later)

    def _is_stored(self, held: Held, document: Said, *, release: bool) -> bool:
        """Write it. False if storage did not take it and may later; who has taken the claim over keeps it."""
        try:
            self._write_held(held, document)
            if release:
                self._blobs.release(names.CACHE, held.name, held.lease)
        except StorageError as error:
            log.event(_logger, "claim.not_stored", level=logging.WARNING, claim=held.name, problem=error)
            return not error.transient or isinstance(error, ConflictError)
        return True

    def _write_held(self, held: Held, document: Said) -> None:
        try:
            self.write(held.name, document, lease=held.lease)
        except ConflictError:
            # If the lease lapsed while storage did not answer, it is renewed, unless another holder has come between.
            if not self._blobs.renew(names.CACHE, held.name, held.lease):
                raise
            self.write(held.name, document, lease=held.lease)
