"""
Durable Functions for the local host: orchestrations, activities and their client, kept in one SQLite file.

Start reading at `engine.py`, which looks for what is due. An orchestrator runs again from its beginning in every turn
(`orchestrator.py`), `replay.py` finds out what it has newly asked for, `turn.py` says what that means, and `store.py`
writes it down in one transaction. The protocol is that of the Durable Functions extension 2.x, as
azure-functions-durable 1.x speaks it. No other kind of trigger lives here, and nothing of a storage account.
"""
