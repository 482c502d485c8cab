"""
Queue triggers and the storage queues they take messages from: names, messages, waits, and the poison queue.

The queue of blob events never lives here, because it is a file of this machine. The call of a function does not either.
"""
