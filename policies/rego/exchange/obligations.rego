# METADATA
# title: Obligations
# description: What the gateway must do with what is permitted.
# scope: package
package exchange.obligations

import data.exchange.guards
import data.exchange.matters
import data.exchange.reference

due[req.ref] contains "parties-only" if {
	some req in input.requests
	ref := req.ref
	relation := req.subject.relation
	guards.linked(relation)
	not guards.open[ref]
	not matters.follows(relation)
}

due[req.ref] contains "no-store" if {
	some req in input.requests
	ref := req.ref
	not guards.open[ref]
}

due[req.ref] contains "protect-existence" if {
	some req in input.requests
	input.catalogue[req.resource].level >= reference.protected_level
}

list(ref) := [{"type": type} | some type in sort(object.get(due, ref, set()))]
