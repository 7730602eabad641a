"""The dashboard's server around Streamlit: whom and what it answers, the headers of answers, its log and memory."""
