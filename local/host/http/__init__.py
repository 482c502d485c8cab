"""
HTTP as Azure's host speaks it: request heads and targets, routes, keys, and the messages that functions take and give.

The server never lives here, and neither do the answers of the host's own addresses: `/admin/` and `/runtime/webhooks/`.
"""
