"""
The function app: its host.json and settings, its folders and signatures, and one call of one function.

Nothing that starts a function lives here. Storage is never asked from here: a connection only makes its clients.
"""
