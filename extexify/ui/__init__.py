"""What pages share: canvas → strokes, the list of predictions, the model that answers.

The only part of the library that knows Streamlit.
"""
