"""What a `durableClient` binding hands to its function: addresses of the management API, as the SDK reads them."""

import json
from dataclasses import dataclass

# The SDK replaces the text of managementUrls.id in all of them.
PLACEHOLDER = "INSTANCEID"
ROUTES = {
    "statusQueryGetUri": "",
    "sendEventPostUri": "/raiseEvent/{eventName}",
    "terminatePostUri": "/terminate?reason={text}",
    "rewindPostUri": "/rewind?reason={text}",
    "purgeHistoryDeleteUri": "",
    "restartPostUri": "/restart",
    "suspendPostUri": "/suspend?reason={text}",
    "resumePostUri": "/resume?reason={text}",
}


@dataclass(frozen=True)
class DurableClient:
    """
    Where the management API is.

    *base_url* is the public address, for which a caller needs *key*; *rpc_url* is for the SDK and ends with a slash.
    """

    hub: str
    base_url: str
    rpc_url: str
    key: str

    @property
    def query(self) -> str:
        """What every public address needs in its query."""
        return f"taskHub={self.hub}&connection=Storage&code={self.key}"

    def links(self, instance_id: str) -> dict[str, str]:
        """Return the addresses of one instance by their names in the API."""
        base = f"{self.base_url}/instances/{instance_id}"
        return {name: f"{base}{route}{'&' if '?' in route else '?'}{self.query}" for name, route in ROUTES.items()}

    def payload(self) -> str:
        """Return the binding's value."""
        create = f"{self.base_url}/orchestrators/{{functionName}}[/{{instanceId}}]"
        wait = "timeout={timeoutInSeconds}&pollingInterval={intervalInSeconds}"
        return json.dumps(
            {
                "taskHubName": self.hub,
                "connectionName": None,
                "creationUrls": {
                    "createNewInstancePostUri": f"{create}?code={self.key}",
                    "createAndWaitOnNewInstancePostUri": f"{create}?{wait}&code={self.key}",
                },
                "managementUrls": {"id": PLACEHOLDER, **self.links(PLACEHOLDER)},
                "baseUrl": self.base_url,
                "requiredQueryStringParameters": f"code={self.key}",
                "rpcBaseUrl": self.rpc_url,
                "httpBaseUrl": None,
            }
        )
