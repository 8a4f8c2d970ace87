"""One module a room; each declares its `ROUTES`, and `exchange.portal.app` collects them."""
