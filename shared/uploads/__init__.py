"""
The way of an uploaded image: its steps, later tries of these, and uploads that killed their worker.

It reads no text itself, only hands it over, and it knows no HTTP request.
"""
