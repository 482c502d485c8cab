"""
What `azd up` cannot say in Bicep, one module a command; `scripts/cloud.py` runs them.

Standard library only, and Python 3.9 is enough.
"""
