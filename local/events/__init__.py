"""
Event Grid's place in the local stack: tells the host what is uploaded, deleted, and moved between access tiers.

The storage emulator sends no events, so the container is listed again and again and compared with what was seen before.
"""
