"""
A local Azure Functions host: it runs an app's function folders unchanged.

Start reading at `running.py`, which puts the parts together. A request or an event goes through `server.py` or
`blob_listener.py` to `invoker.py`, which calls the function that `loader.py` and `signature.py` have loaded.
"""
