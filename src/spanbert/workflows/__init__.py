"""Settings in, result out: the functions that the command line and the Python API call."""
