"""
A local Azure Functions host: it runs an app's function folders unchanged.

Start reading at `service.py`, which puts the parts together. A request, an event or a timer goes through `server.py`,
`blobs/listener.py` or `timers/listener.py` to `runner.py`, which runs the function that `loader.py` and `signature.py`
have loaded. Orchestrations have a package of their own, `durable`.
"""
