"""
The inputs of the durable orchestrations, how the app starts and asks them, and what it deletes after a while.

It holds no orchestrator and no activity, and reads no text: those are in `ocr` and `uploads`.
"""
