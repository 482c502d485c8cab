"""
Operations: a question or a thumbnail that a caller does not wait for, made by a durable orchestration.

An operation asks as the request would have asked. Its answer lies where that of the request would lie, in a claim or as
a thumbnail; the orchestration keeps nothing but its way there.
"""
