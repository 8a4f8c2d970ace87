"""One call: parse, plan, rule, fetch, mask, assemble, record, respond."""
