"""
How a request shows that it may ask: a key of the resource, or an Entra ID token of the app's identity.

Both keys of a resource are valid at all times, and regenerating one ends it at once; so a refused key is answered with
the other one, and keys can be rotated with nothing lost. A token needs no key at all, but a custom subdomain: regional
endpoints refuse it (learn.microsoft.com, "Authenticate requests to Azure AI services", 2025-05-19).
"""

from collections.abc import Iterator
from typing import Protocol

from shared.clock import Deadline
from shared.errors import BlobsightError, NoTokenError, VisionUnauthorizedError
from shared.transport.identities import Identity, NoToken

KEY_HEADER = "Ocp-Apim-Subscription-Key"
SCOPE = "https://cognitiveservices.azure.com/.default"
_LATE_ACTION = "Wait; if it lasts, check that the app reaches Entra ID, or set VISION_AUTH=key and VISION_KEY."

Headers = dict[str, str]


class Credentials(Protocol):
    """What a request carries to be let in."""

    def offers(self, deadline: Deadline) -> Iterator[Headers]:
        """
        The headers to try, one after the other as each is refused (401).

        Raises:
            NoTokenError: there are none, or not before the deadline.
        """

    def worked(self, headers: Headers) -> None:
        """These were let in: offer them first from now on."""

    def refused(self, last: BlobsightError) -> BlobsightError:
        """The error for when all were refused, made of the last refusal; names the settings, never their values."""


class Keys:
    """One key or two. Safe for threads."""

    def __init__(self, key: str, key_2: str | None = None) -> None:
        self._keys = [key, key_2] if key_2 else [key]
        self._first = 0

    def offers(self, deadline: Deadline) -> Iterator[Headers]:  # noqa: D102 (Credentials says it)
        first = self._first
        yield {KEY_HEADER: self._keys[first]}
        yield from ({KEY_HEADER: key} for number, key in enumerate(self._keys) if number != first)

    def worked(self, headers: Headers) -> None:  # noqa: D102
        self._first = self._keys.index(headers[KEY_HEADER])

    def refused(self, last: BlobsightError) -> BlobsightError:  # noqa: D102
        if len(self._keys) == 1:
            return last
        return VisionUnauthorizedError(
            f"{last.message} And so was the key of VISION_KEY_2.",
            action="Set VISION_KEY or VISION_KEY_2 to a key of the very resource that VISION_ENDPOINT names.",
            request_id=last.request_id,
        )


class Bearer:
    """A token of the app's identity."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    def offers(self, deadline: Deadline) -> Iterator[Headers]:  # noqa: D102
        try:
            token = self._identity.token(SCOPE, deadline.remaining())
        except NoToken as error:
            raise NoTokenError(str(error), action=_LATE_ACTION if error.late else None) from error
        yield {"Authorization": f"Bearer {token}"}

    def worked(self, headers: Headers) -> None:  # noqa: D102
        pass  # there is one token only

    def refused(self, last: BlobsightError) -> BlobsightError:  # noqa: D102
        self._identity.refused(SCOPE)
        return VisionUnauthorizedError(
            last.message.replace("the key of VISION_KEY", "the app's identity"),
            action=(
                "Give the app's identity the role Cognitive Services User on the resource that VISION_ENDPOINT names; "
                "the endpoint has to be the resource's own subdomain, and a new role takes up to five minutes."
            ),
            request_id=last.request_id,
        )
