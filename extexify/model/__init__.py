"""Networks, model files, and answers from them."""
