"""
When a call to Computer Vision may go: the tier's rate, its limits, a service that is unwell, and retries.

It knows no question and no image, and sends nothing.
"""
