# METADATA
# title: The exchange's decision
# description: >-
#   Entry point. One question for all requests of one operation, one verdict for each. A request is
#   permitted only where the question is complete, no guard's ground stands, the publishing department
#   does not object, a grant covers it, and something remains to be given.
# scope: package
package exchange.authz

import data.exchange.guards
import data.exchange.items
import data.exchange.obligations
import data.exchange.question
import data.exchange.rows
import data.exchange.sharing

default decision := {
	"schema": "exchange.decision/1",
	"revision": "",
	"expires": 0,
	"allow": false,
	"code": "REFUSED",
	"resources": {},
	"valid_until": 0,
}

# METADATA
# title: Decision for one operation
# entrypoint: true
decision := {
	"schema": "exchange.decision/1",
	"revision": data.exchange.bundle.revision,
	"expires": data.exchange.bundle.expires,
	"allow": allow,
	"code": code,
	"resources": resources,
	"valid_until": valid_until,
}

default allow := false

allow if {
	count(resources) > 0
	every verdict in resources {
		verdict.allow
	}
}

default code := "REFUSED"

code := "PERMITTED" if allow

code := "PARTLY_PERMITTED" if {
	not allow
	some verdict in resources
	verdict.allow
}

resources[ref] := verdict if {
	question.complete
	some req in input.requests
	ref := req.ref
	verdict := verdict_on(req)
}

# Without a complete question every request is refused before any other rule reads it.
resources[ref] := verdict if {
	not question.complete
	some req in input.requests
	ref := req.ref
	is_string(ref)
	verdict := {
		"allow": false,
		"code": "QUESTION_INCOMPLETE",
		"resource": named(req),
		"reasons": [reason("QUESTION_INCOMPLETE", null)],
	}
}

named(req) := req.resource if is_named(req)

named(req) := "" if not is_named(req)

is_named(req) if is_string(req.resource)

verdict_on(req) := {
	"allow": true,
	"code": "PERMITTED",
	"resource": req.resource,
	"grant": grant.id,
	"items": split,
	"row_filter": {"all": conditions},
	"max_rows": rows.limit(req, grant),
	"obligations": obligations.list(req.ref),
	"reasons": [reason("PERMITTED", {"grant": grant.id})],
} if {
	guards.standing[req.ref] == set()
	object.get(guards.objections, req.ref, set()) == set()
	grant := sharing.covering[req.ref]
	resource := input.catalogue[req.resource]
	split := items.split(req, resource, grant)
	remains(req, split)
	conditions := rows.conditions(resource, grant)
} else := {
	"allow": false,
	"code": reasons[0].code,
	"resource": req.resource,
	"reasons": reasons,
} if {
	reasons := why_not(req)
}

# A request that reads nothing asks whether; one that reads must be left something to read.
remains(req, _) if count(req.items) == 0

remains(_, split) if count(split.allowed) + count(split.masked) > 0

# A resource that is not there has nothing else to be said about it.
why_not(req) := [reason("RESOURCE_UNKNOWN", null)] if {
	"RESOURCE_UNKNOWN" in guards.standing[req.ref]
} else := [entry[2] |
	some entry in sort(({[priority(code), code, reason(code, null)] | some code in guards.standing[req.ref]} |
		gap_entries(req)) | objection_entries(req))
]

gap_entries(req) := {[priority(code), code, reason(code, detail)] |
	nearest := sharing.nearest[req.ref]
	detail := {"grant": nearest.grant}
	some code in nearest.gaps
} if {
	not covered(req)
	sharing.nearest[req.ref]
} else := {[priority("GRANT_MISSING"), "GRANT_MISSING", reason("GRANT_MISSING", null)]} if {
	not covered(req)
} else := {[priority(code), code, reason(code, detail)] |
	grant := sharing.covering[req.ref]
	split := items.split(req, input.catalogue[req.resource], grant)
	detail := {"grant": grant.id, "items": split.denied}
	some code in shortfalls(req, grant)
}

covered(req) if sharing.covering[req.ref]

# What a covering grant falls short of: nothing to give, or a filter that cannot be computed.
shortfalls(req, grant) := {code |
	some code in {"ITEMS_NONE", "ROW_FILTER_UNBOUND"}
	not fulfilled(code, req, grant)
}

fulfilled("ITEMS_NONE", req, grant) if {
	remains(req, items.split(req, input.catalogue[req.resource], grant))
}

fulfilled("ROW_FILTER_UNBOUND", req, grant) if {
	rows.conditions(input.catalogue[req.resource], grant)
}

# A department speaks after the exchange's own grounds.
objection_entries(req) := {[1000, objection.code, objection] |
	some objection in object.get(guards.objections, req.ref, set())
}

priority(code) := data.exchange.reasons[code].priority

reason(code, detail) := {
	"rule": row.rule,
	"code": code,
	"legal_basis": row.legal_basis,
	"detail": detail,
} if {
	row := data.exchange.reasons[code]
}

# Until when the decision holds: the first end of a grant it rests on, or of the policy itself.
valid_until := min({data.exchange.bundle.expires} | ends)

ends := {grant.not_after |
	some verdict in resources
	verdict.allow
	some grant in input.grants
	grant.id == verdict.grant
}
