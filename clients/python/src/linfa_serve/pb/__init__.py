"""The generated messages and stubs, for what the client does not offer."""
