"""The command line: the parser, one function a command, the process of a background job."""
