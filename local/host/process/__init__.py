"""
The process of the host: how it began and begins again in its own place, and what it alone may hold meanwhile.

Nothing of an app lives here, and nothing that a function could notice.
"""
