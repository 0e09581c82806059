"""What users call. It validates and knows only the Engine protocol."""
