"""Bulk exports: jobs that read a resource page by page, and files that leave when decided anew."""
