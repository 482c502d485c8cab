"""
How the app was set up: the addresses and strings of its storage accounts, and the packages that were deployed.

It reads no environment; `shared.settings` does. It asks no service.
"""
