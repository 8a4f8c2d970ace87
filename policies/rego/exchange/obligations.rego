# METADATA
# title: Obligations
# description: What the gateway must do with what is permitted.
# scope: package
package exchange.obligations

import data.exchange.guards
import data.exchange.matters
import data.exchange.reference

due[ref] contains "parties-only" if {
	some ref in guards.reached
	not guards.open[ref]
	not followed[ref]
}

followed contains req.ref if {
	some req in input.requests
	matters.follows(req.subject.relation)
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
