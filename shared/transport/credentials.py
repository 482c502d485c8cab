"""
How a request signs in at an Azure AI service: by a key, or by an Entra ID token of the app's identity.

Both keys of a resource are valid at all times, and regenerating one ends it at once. So the app answers a refused key
with the other one, and keys can be rotated with nothing lost. A token needs no key at all, but a custom subdomain:
regional endpoints refuse it (learn.microsoft.com, "Authenticate requests to Azure AI services", 2025-05-19).

The package of a service puts its own errors and the names of its settings in, as `shared.vision.credentials` does.
"""

from collections.abc import Iterator
from typing import Protocol

from shared.clock import Deadline
from shared.errors import BlobsightError
from shared.transport.identities import Identity

KEY_HEADER = "Ocp-Apim-Subscription-Key"
SCOPE = "https://cognitiveservices.azure.com/.default"

Headers = dict[str, str]


class Credentials(Protocol):
    """The ways to sign in at one resource."""

    def offers(self, deadline: Deadline) -> Iterator[Headers]:
        """
        The headers to try, one after the other as each is refused (401).

        Raises:
            NoToken: there are none, or not before the deadline; a service's own credentials raise its own error.
        """

    def worked(self, headers: Headers) -> None:
        """These were let in: offer them first from now on."""

    def refused(self, last: BlobsightError) -> BlobsightError:
        """The error where the service refused all, made of its last refusal; shows no key and no token."""


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
        return last


class Bearer:
    """A token of the app's identity."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    def offers(self, deadline: Deadline) -> Iterator[Headers]:  # noqa: D102
        yield {"Authorization": f"Bearer {self._identity.token(SCOPE, deadline.remaining())}"}

    def worked(self, headers: Headers) -> None:  # noqa: D102
        pass  # there is one token only

    def refused(self, last: BlobsightError) -> BlobsightError:  # noqa: D102
        self._identity.refused(SCOPE)
        return last
