"""
What happens to an uploaded image: its steps, what is tried again later, and uploads that killed their worker.

It reads no text itself, only hands it over, and it knows no HTTP request.
"""
