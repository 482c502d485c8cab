"""
Keys and identity at Computer Vision: errors that name its settings, and never their values.
"""

from collections.abc import Iterator

from shared.clock import Deadline
from shared.errors import BlobsightError, NoTokenError, VisionUnauthorizedError
from shared.transport.credentials import Bearer, Headers, Keys
from shared.transport.identities import NoToken

_LATE_ACTION = "Wait; if it lasts, check that the app reaches Entra ID, or set VISION_AUTH=key and VISION_KEY."


class VisionKeys(Keys):
    """The keys of VISION_KEY and VISION_KEY_2."""

    def refused(self, last: BlobsightError) -> BlobsightError:
        """The service's own refusal of a single key; of two, one that names both settings."""
        if len(self._keys) == 1:
            return last
        return VisionUnauthorizedError(
            f"{last.message} And so was the key of VISION_KEY_2.",
            action="Set VISION_KEY or VISION_KEY_2 to a key of the very resource that VISION_ENDPOINT names.",
            request_id=last.request_id,
        )


class VisionBearer(Bearer):
    """A token of the app's identity, for VISION_AUTH=identity."""

    def offers(self, deadline: Deadline) -> Iterator[Headers]:
        """
        The headers with the token.

        Raises:
            NoTokenError: there is none, or not before the deadline.
        """
        try:
            yield from super().offers(deadline)
        except NoToken as error:
            raise NoTokenError(str(error), action=_LATE_ACTION if error.late else None) from error

    def refused(self, last: BlobsightError) -> BlobsightError:
        """An error that names the role which the identity needs."""
        super().refused(last)
        return VisionUnauthorizedError(
            last.message.replace("the key of VISION_KEY", "the app's identity"),
            action=(
                "Give the app's identity the role Cognitive Services User on the resource that VISION_ENDPOINT names; "
                "the endpoint has to be the resource's own subdomain, and a new role takes up to five minutes."
            ),
            request_id=last.request_id,
        )
