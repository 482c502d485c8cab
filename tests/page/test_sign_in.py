"""Who may see the page, in a real browser: people by the platform's sign-in, others by the key, strangers not at all."""

from conftest import Arrive
