"""
Blob triggers, inputs and outputs: Event Grid's webhook, the queue of its events, and the blobs in storage.

The call of a function never lives here, and neither does another kind of trigger. An event that fails again and again
goes to a storage queue through `local.host.queues`.
"""
