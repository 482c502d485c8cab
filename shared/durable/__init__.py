"""
What durable orchestrations are given and asked: jobs, appointments, handing over, cancelling, purging.

It holds no orchestrator and no activity, and reads no text: those are in `ocr` and `uploads`.
"""
