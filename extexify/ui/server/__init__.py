"""The dashboard's server around Streamlit: whom it answers, the headers of its answers, and its memory."""
