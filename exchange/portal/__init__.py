"""The portal: pages rendered on the server, Chinese first and English complete, whole without scripts."""
