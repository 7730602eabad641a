"""The Sign in page, and authentication of operators."""
