"""The Engine protocol and the engines."""
