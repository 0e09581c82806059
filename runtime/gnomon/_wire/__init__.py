"""From values and messages to bytes, and back."""
