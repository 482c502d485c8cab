"""The page: its files, who may see and change what, and its data. Never: how an answer of the HTTP API is made."""
