"""
A local Azure Functions host: it runs an app's function folders unchanged.

Start reading at `service.py`, which puts the parts together. A request goes through `server.py`, an event, a message or
a timer through its package's `listener.py`, and all to `runner.py`, which runs a function that `app` has loaded.
Orchestrations have an engine of their own, in `durable`.
"""
