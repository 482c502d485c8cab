"""
Text from outside: which characters an address, a name or JSON may have, and how much of it is kept and shown.

It knows no HTTP request and no setting, only the text.
"""
