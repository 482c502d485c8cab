"""
`python -m local unfinished`: what the running app has not completed, and why.

`retry` has it tried again, `reconcile` has images and records compared.
"""
