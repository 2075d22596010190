"""Entities, clusters and relations of whole documents, and the files and graphs made of them."""
