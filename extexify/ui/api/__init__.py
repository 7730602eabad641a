"""The HTTP API: answers, symbols and the model as JSON, for other programs."""
