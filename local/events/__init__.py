"""
Event Grid's place in the local stack: tells the host about uploads, and of deletions on demand.

The storage emulator sends no events, so the container is listed again and again and compared with what was seen before.
"""
