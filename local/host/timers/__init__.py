"""
Timer triggers: their expressions, the times these stand for, and when each function ran last.

Waits and retries of other triggers never live here, nor the durable timers of orchestrations.
"""
