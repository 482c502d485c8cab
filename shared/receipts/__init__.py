"""
What happened to one image: each call and each decision, told from its records, its claims and the settings.
"""
