"""
What to do about a storage account that does not let the app in, by the reason that it gives.

The reasons are those of https://learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes and
https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes.
"""

from shared.configuration.storage_accounts import Account

_BLOB_ROLE = "Storage Blob Data Owner"


def action(account: Account, reason: str) -> str:
    """What to do where the account answered 401 or 403 with this reason."""
    where = _shown(account)
    if reason == "KeyBasedAuthenticationNotPermitted":
        return (
            f"Shared keys are off for {where}: replace its connection string by the settings for the app's identity,"
            " which docs/settings.md lists under Storage without keys."
        )
    if reason == "AuthorizationFailure":
        # Emulators say the same of a wrong key.
        else_ = "" if account.principal else f" Where it has no firewall, correct the key in {account.setting}."
        return f"Let the app through the firewall of {where}: see its networking settings.{else_}"
    if reason == "AccountIsDisabled":
        return f"Turn {where} on again."
    return _of_identity(account, where, reason) if account.principal else _of_string(account, where, reason)


def _of_identity(account: Account, where: str, reason: str) -> str:
    if reason in ("AuthenticationFailed", "InvalidAuthenticationInfo", "NoAuthenticationInformation"):
        return f"Check that {where} is in the tenant of {_identity(account)}, and that {account.setting} names it."
    return f"Give {_identity(account)} the role {_BLOB_ROLE} on {where}; a new role takes up to ten minutes."


def _of_string(account: Account, where: str, reason: str) -> str:
    if reason.startswith("Authorization") and reason.endswith("Mismatch"):
        return (
            f"Give the SharedAccessSignature of {account.setting} the rights to read, write, list and delete the blobs"
            f" of {where} and to create its containers."
        )
    return f"Set {account.setting} to a connection string of {where} as the portal shows it now, with a valid key."


def no_token(account: Account, *, late: bool) -> str:
    """What to do where the identity got no token for the account, or (*late*) not in time."""
    or_else = f"or set {account.setting} to a connection string."
    if late:
        return f"Wait; if it lasts, check that the app reaches Entra ID, {or_else}"
    settings = f"credential and clientId of {account.setting}, and AZURE_CLIENT_ID"
    return f"Turn on {_identity(account)}; or correct {settings}; {or_else}"


def _shown(account: Account) -> str:
    named = f" {account.name} ({account.setting})" if account.name else f" of {account.setting}"
    return f"the storage account{named}"


def _identity(account: Account) -> str:
    identity = account.principal and account.principal.client_id
    return f"the app's identity (client id {identity})" if identity else "the app's identity"
