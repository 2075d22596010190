"""The one inference engine that evaluation, prediction and the server share."""
